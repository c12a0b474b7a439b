"""A story that breaks off is a fault of its point, and the stories after it are told all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.disturbances import NEVER
from tests.faults.points import At
from tests.faults.stories import STORIES, Story
from tests.faults.sweep import MOST, Told, tasks_of, tell

if TYPE_CHECKING:
    import pytest

    from tests.faults.stage import Stage
    from tests.faults.telling import Telling


def test_a_story_that_breaks_off_is_a_fault_of_its_point(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(_: Telling) -> None:
        raise TimeoutError("a client did not end")

    monkeypatch.setitem(STORIES, "apply", Story(break_off, STORIES["apply"].ways))
    point, _ = tell(stage, Told("apply", "copy"), NEVER)
    assert [fault.kind for fault in point.faults] == ["wrong"]
    assert "a client did not end" in point.faults[0].what


def test_a_story_that_nobody_disturbs_says_which_calls_it_makes(stage: Stage) -> None:
    point, calls = tell(stage, Told("undo", "copy"), NEVER)
    assert not point.faults
    assert not point.met
    assert ("CopyObject", True) in calls


def test_no_point_is_left_out_when_the_work_is_shared() -> None:
    points = [At("lost", number) for number in range(1, 2 * MOST + 2)]
    tasks = list(tasks_of({Told("apply", "copy"): points, Told("undo", "copy"): points[:1]}))
    assert [at for task in tasks if task.told.story == "apply" for at in task.points] == points
    assert max(len(task.points) for task in tasks) == MOST
