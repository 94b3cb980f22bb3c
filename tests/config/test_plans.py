from pathlib import Path
from typing import Any

import pytest

from config import ConfigError, Settings, parse
from config.plans import Channel, load_plans

STEP = '[[step]]\nname = "first"\nday = 5\nchannel = "mail"\ntemplate = "friendly_reminder"\nlevel = 1\n'
PLAN = 'name = "gentle"\nversion = 2\ngap_days = 15\n' + STEP


def settings(folder: Path, **reminders: Any) -> Settings:
    tables = {
        "company": {"name": "M", "country": "FR", "currency": "EUR", "language": "fr", "timezone": "Europe/Paris"},
        "mailbox": {
            "ar": {
                "address": "ar@firm.example",
                "imap": {"host": "imap.firm.example", "password_env": "X"},
                "smtp": {"host": "smtp.firm.example"},
            }
        },
        "reminders": reminders,
    }
    return parse(tables, folder / "relance.toml")


def write(folder: Path, text: str, name: str = "gentle") -> Path:
    (folder / "plans").mkdir(exist_ok=True)
    path = folder / "plans" / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_plan_is_that_of_the_trade(tmp_path: Path) -> None:
    plan = load_plans(settings(tmp_path))["standard"]
    assert [(step.day, step.name, step.channel, step.attach_invoice) for step in plan.steps] == [
        (3, "friendly_reminder", Channel.MAIL, False),
        (10, "firm_reminder", Channel.MAIL, True),
        (15, "call", Channel.CALL, False),
        (22, "last_reminder", Channel.MAIL, True),
        (28, "formal_notice", Channel.LETTER, False),
        (30, "hand_over", Channel.HAND_OVER, False),
    ]
    assert plan.gap_days == 7
    assert plan.step("call").level == 3


def test_shipped_calls_letters_and_hand_overs_keep_their_own_day(tmp_path: Path) -> None:
    for plan in load_plans(settings(tmp_path)).values():
        assert {step.after_mail for step in plan.steps} == {0}, plan.name


def test_a_distance_that_a_customer_with_many_invoices_would_never_reach_is_refused(tmp_path: Path) -> None:
    call = '[[step]]\nname = "call"\nday = 9\nchannel = "call"\nlevel = 1\nafter_mail = 15\n'
    path = write(tmp_path, PLAN + call)
    with pytest.raises(ConfigError) as caught:
        load_plans(settings(tmp_path))
    assert str(path) in str(caught.value)
    assert "fewer days than the 15" in str(caught.value)


def test_the_gap_is_the_plans_own_or_that_of_the_settings(tmp_path: Path) -> None:
    write(tmp_path, PLAN)
    plans = load_plans(settings(tmp_path, gap_days=9))
    assert (plans["standard"].gap_days, plans["gentle"].gap_days) == (9, 15)


def test_a_distance_never_reaches_the_gap_that_the_settings_give(tmp_path: Path) -> None:
    call = '[[step]]\nname = "call"\nday = 9\nchannel = "call"\nlevel = 1\nafter_mail = 5\n'
    write(tmp_path, PLAN.replace("gap_days = 15\n", "") + call)
    assert load_plans(settings(tmp_path, gap_days=3))["gentle"].step("call").after_mail == 2


def test_an_own_plan_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, PLAN.replace('"gentle"', '"standard"').replace("version = 2", "version = 7"), "standard")
    plan = load_plans(settings(tmp_path))["standard"]
    assert (plan.version, len(plan.steps)) == (7, 1)


def test_a_plan_that_does_not_exist_is_told_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="standard") as caught:
        load_plans(settings(tmp_path, plan="gentile"))
    assert caught.value.key == "reminders.plan"


MISTAKES = {
    "unknown key": (PLAN.replace("template", "templat"), "step.0.templat", 'Did you mean "template"?'),
    "unknown key of whom it is for": (PLAN + '[[for]]\nsegmant = ["x"]\n', "for.0.segmant", 'Did you mean "segment"?'),
    "no step": ('name = "gentle"\nversion = 1\nstep = []\n', "step", "at least 1"),
    "unknown channel": (PLAN.replace('"mail"', '"fax"'), "step.0.channel", "'letter'"),
    "mail without a text": (PLAN.replace('template = "friendly_reminder"\n', ""), "step.0", "template"),
    "two of a name": (PLAN + STEP.replace("5", "9"), "", "first twice"),
    "out of order": (PLAN + STEP.replace("first", "second").replace("5", "2"), "", "order of their days"),
    "name of another file": (PLAN.replace('"gentle"', '"rough"'), "name", '"gentle"'),
    "text for a day": (PLAN.replace("day = 5", 'day = "five"'), "step.0.day", "whole number"),
    "level 0": (PLAN.replace("level = 1", "level = 0"), "step.0.level", "at least 1"),
    "a path for a template": (PLAN.replace("friendly_reminder", "../x"), "step.0.template", "small letters"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_plan_names_file_key_and_mend(tmp_path: Path, name: str) -> None:
    text, key, words = MISTAKES[name]
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_plans(settings(tmp_path))
    assert caught.value.file == str(path)
    assert caught.value.key == key
    assert words in str(caught.value)
    assert caught.value.mend
    assert (name == "no step") or "at least 1 of them" not in str(caught.value)
