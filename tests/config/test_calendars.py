from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calendars import add_working_days, is_working_day, next_sending_time, working_days_between

HOURS = (time(8, 30), time(17, 30))


@pytest.mark.parametrize(
    ("country", "day", "works"),
    [
        ("FR", date(2026, 7, 13), True),
        ("FR", date(2026, 7, 14), False),  # Fête nationale
        ("fr", date(2026, 7, 14), False),
        ("FR", date(2026, 7, 18), False),  # Saturday
        ("FR", date(2026, 5, 25), False),  # Whit Monday
        ("GB", date(2026, 7, 14), True),
        ("DE", date(2026, 10, 3), False),
        ("AE", date(2026, 7, 18), False),
        ("IL", date(2026, 7, 17), False),  # Friday
        ("IL", date(2026, 7, 19), True),  # Sunday
        ("XX", date(2026, 7, 14), True),  # an unknown country has weekends only
        ("XX", date(2026, 7, 18), False),
    ],
)
def test_working_days(country: str, day: date, works: bool) -> None:
    assert is_working_day(country, day) is works


@pytest.mark.parametrize(
    ("day", "n", "then"),
    [
        (date(2026, 7, 10), 1, date(2026, 7, 13)),  # Friday to Monday
        (date(2026, 7, 10), 2, date(2026, 7, 15)),  # over the 14th
        (date(2026, 7, 11), 0, date(2026, 7, 13)),  # Saturday: the first working day
        (date(2026, 7, 13), 0, date(2026, 7, 13)),
        (date(2026, 7, 15), -1, date(2026, 7, 13)),
        (date(2026, 12, 31), 1, date(2027, 1, 4)),
    ],
)
def test_adding_working_days(day: date, n: int, then: date) -> None:
    assert add_working_days("FR", day, n) == then


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(1, 60))
def test_counting_undoes_adding(day: date, n: int) -> None:
    assert working_days_between("FR", day, add_working_days("FR", day, n)) == n


@pytest.mark.parametrize(
    ("moment", "then"),
    [
        # Summer, Paris is at +02:00
        (datetime(2026, 7, 13, 5, 0, tzinfo=UTC), datetime(2026, 7, 13, 6, 30, tzinfo=UTC)),  # before opening
        (datetime(2026, 7, 13, 9, 0, tzinfo=UTC), datetime(2026, 7, 13, 9, 0, tzinfo=UTC)),  # now
        (datetime(2026, 7, 13, 15, 29, 59, tzinfo=UTC), datetime(2026, 7, 13, 15, 29, 59, tzinfo=UTC)),
        (datetime(2026, 7, 13, 15, 30, tzinfo=UTC), datetime(2026, 7, 15, 6, 30, tzinfo=UTC)),  # closed, then the 14th
        (datetime(2026, 7, 11, 9, 0, tzinfo=UTC), datetime(2026, 7, 13, 6, 30, tzinfo=UTC)),  # Saturday
        # 23:30 UTC is the next day in Paris
        (datetime(2026, 7, 12, 23, 30, tzinfo=UTC), datetime(2026, 7, 13, 6, 30, tzinfo=UTC)),
        # Winter, +01:00; the clock goes back in the night to Sunday 25 October
        (datetime(2026, 10, 23, 15, 31, tzinfo=UTC), datetime(2026, 10, 26, 7, 30, tzinfo=UTC)),
    ],
)
def test_the_next_sending_time(moment: datetime, then: datetime) -> None:
    assert next_sending_time(moment, "FR", "Europe/Paris", HOURS) == then


@given(st.integers(0, 200_000_000).map(lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)))
def test_a_sending_time_is_one_and_lies_ahead(moment: datetime) -> None:
    then = next_sending_time(moment, "FR", "Europe/Paris", HOURS)
    assert then >= moment
    assert next_sending_time(then, "FR", "Europe/Paris", HOURS) == then
