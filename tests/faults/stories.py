"""The stories: something happens to an apply or an undo, and fresh processes go on until they say that it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.faults import company
from tests.faults.clients import SEVERAL
from tests.faults.disturbances import FAULTS, RACES, STOPS, VISITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.faults.disturbances import Disturbance
    from tests.faults.telling import Telling


def apply_and_go_on(one: Telling) -> None:
    """An apply is disturbed, the same command goes on; then the run is undone."""
    one.apply(one.disturbance)
    one.note()
    one.nothing_is_lost()
    one.finish_apply()
    one.finish_undo()


def apply_several_and_go_on(one: Telling) -> None:
    """The same with several batches under way at once, so that each time something else is."""
    one.stage.manner = SEVERAL
    apply_and_go_on(one)


def apply_and_undo(one: Telling) -> None:
    """An apply is disturbed, and undone as it is."""
    one.apply(one.disturbance)
    one.note()
    one.nothing_is_lost()
    one.finish_undo()


def undo_and_go_on(one: Telling) -> None:
    """An undo is disturbed, the same command goes on."""
    run = one.be_applied()
    one.undo(run, one.disturbance)
    one.note()
    one.nothing_is_lost()
    one.finish_undo()


class Story(NamedTuple):
    """How it is *told*, and in which *ways* it is disturbed. *clock*: the server's clock has to be set for it."""

    told: Callable[[Telling], None]
    ways: Mapping[str, Disturbance]
    clock: bool = False


STORIES = {
    "apply": Story(apply_and_go_on, FAULTS),
    "apply-several": Story(apply_several_and_go_on, RACES),
    "apply-undo": Story(apply_and_undo, FAULTS),
    "undo": Story(undo_and_go_on, FAULTS),
    "apply-visited": Story(company.apply_visited, VISITS),
    "undo-visited": Story(company.undo_visited, VISITS),
    "apply-twice": Story(company.apply_twice, STOPS),
    "apply-overslept": Story(company.apply_overslept, STOPS, clock=True),
    "apply-overslept-undo": Story(company.apply_overslept_and_undone, STOPS, clock=True),
    "undo-overslept": Story(company.undo_overslept, STOPS, clock=True),
    "undo-overslept-apply": Story(company.undo_overslept_and_applied, STOPS, clock=True),
}
"""By name."""
