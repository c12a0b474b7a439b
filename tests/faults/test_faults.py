"""A sample of what `python -m tests.faults` does at every call: an apply or undo is disturbed, and nothing is lost.

Which points: one of each kind of harm, at calls where most is at stake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.clients import AFRESH, ONE
from tests.faults.counting import words
from tests.faults.disturbances import Disturbance
from tests.faults.stories import STORIES
from tests.faults.telling import Telling

if TYPE_CHECKING:
    from tests.faults.clients import Manner
    from tests.faults.stage import Stage

FIRST, SECOND = 2, 3
"""Which DeleteObjects are the first batches' of an apply; the one before is the probe's."""


def ends_well(stage: Stage, story: str, mode: str, disturbance: Disturbance, manner: Manner = ONE) -> None:
    stage.manner = manner
    one = Telling(stage, story, mode, disturbance)
    try:
        STORIES[story].told(one)
        point = one.end()
    finally:
        one.leave()
    assert point.met
    assert not point.faults, words(point)


def of_deletes(kind: str, number: int, *, amid: bool = False) -> Disturbance:
    return Disturbance(kind, number, operation="DeleteObjects", amid=amid)


@pytest.mark.parametrize(
    ("mode", "disturbance"),
    [
        ("versioning", of_deletes("kill-after", FIRST)),
        ("versioning", of_deletes("kill-late", SECOND)),
        ("versioning", of_deletes("503-after", SECOND)),
        ("copy", of_deletes("kill-before", SECOND)),
        ("copy", of_deletes("lost", FIRST)),
        ("copy", Disturbance("inner-after", 3, operation="CopyObject")),
    ],
)
def test_a_disturbed_apply_is_finished_by_the_same_command(stage: Stage, mode: str, disturbance: Disturbance) -> None:
    ends_well(stage, "apply", mode, disturbance)


@pytest.mark.parametrize(
    ("mode", "disturbance"),
    [
        ("versioning", of_deletes("kill-after", SECOND)),
        # what acts late deletes what the first undo had found there, or brought back: the next one must bring it back
        ("versioning", of_deletes("late", SECOND)),
        ("copy", of_deletes("kill-late", FIRST)),
    ],
)
def test_a_disturbed_apply_can_be_undone_at_once(stage: Stage, mode: str, disturbance: Disturbance) -> None:
    ends_well(stage, "apply-undo", mode, disturbance)


@pytest.mark.parametrize(
    ("mode", "disturbance"),
    [
        ("versioning", of_deletes("kill-after", 2)),
        ("versioning", of_deletes("inner-after", 1)),
        ("copy", Disturbance("kill-after", 5, operation="CopyObject")),
    ],
)
def test_a_disturbed_undo_is_finished_by_the_same_command(stage: Stage, mode: str, disturbance: Disturbance) -> None:
    ends_well(stage, "undo", mode, disturbance)


def test_a_client_as_people_start_it_is_killed_in_the_middle_of_its_deletes(stage: Stage) -> None:
    ends_well(stage, "apply", "versioning", of_deletes("kill-after", FIRST), AFRESH)


@pytest.mark.parametrize("mode", ["versioning", "copy"])
def test_a_token_that_expires_half_way_costs_only_another_command(stage: Stage, mode: str) -> None:
    ends_well(stage, "apply", mode, Disturbance("expired", FIRST, 0, "DeleteObjects"))


@pytest.mark.parametrize(("story", "mode"), [("apply-visited", "versioning"), ("undo-visited", "copy")])
def test_what_somebody_else_writes_meanwhile_stays_on_top(stage: Stage, story: str, mode: str) -> None:
    number = SECOND if story == "apply-visited" else 6
    operation = "DeleteObjects" if story == "apply-visited" else "CopyObject"
    ends_well(stage, story, mode, Disturbance("visit", number, operation=operation, visit="replace"))


@pytest.mark.parametrize(
    ("story", "mode"),
    [("apply-twice", "versioning"), ("apply-overslept", "versioning"), ("apply-overslept-undo", "copy")],
)
def test_two_at_once_delete_nothing_that_one_would_not(stage: Stage, story: str, mode: str) -> None:
    ends_well(stage, story, mode, of_deletes("stop-before", SECOND))
