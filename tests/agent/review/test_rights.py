"""Who may do what: one table, asked in one place."""

from itertools import pairwise

import pytest

from agent.review.rights import RIGHTS, Actor, NotAllowed, Right, must
from models.user import Role

ORDER = (Role.VIEWER, Role.SALES, Role.REVIEWER, Role.APPROVER, Role.ADMIN)


def test_each_role_may_all_that_the_one_before_it_may() -> None:
    for less, more in pairwise(ORDER):
        assert RIGHTS[less] <= RIGHTS[more]
    assert RIGHTS[Role.ADMIN] == frozenset(Right)


@pytest.mark.parametrize(
    ("role", "right"), [(Role.VIEWER, Right.LOG), (Role.SALES, Right.WORK), (Role.REVIEWER, Right.APPROVE)]
)
def test_who_may_not_is_told_so(role: Role, right: Right) -> None:
    with pytest.raises(NotAllowed, match=role.value):
        must(Actor(1, "lea", role, None, None), right)
