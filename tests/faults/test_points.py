"""Which calls are disturbed: none is left out, and no way is forgotten."""

from __future__ import annotations

from collections import Counter

from tests.faults.disturbances import FAULTS, VISITS
from tests.faults.points import At, every, once, these
from tests.faults.stories import STORIES

CALLS = [
    ("HeadBucket", False),
    ("PutObject", True),
    ("ListObjectVersions", False),
    ("DeleteObjects", True),
    ("PutObject", True),
    ("CopyObject", True),
    ("DeleteObjects", True),
]


def called(at: At) -> int:
    """The number of the call that a point is about, among all."""
    way = FAULTS[at.way]
    return [n for n, (operation, changes) in enumerate(CALLS, 1) if way.fits(operation, changes=changes)][at.number - 1]


def test_each_call_once_is_each_call_once() -> None:
    points = list(once(FAULTS, CALLS))
    assert [called(at) for at in points] == [1, 2, 3, 4, 5, 6, 7]


def test_each_call_once_takes_the_ways_in_turn_and_those_first_that_fit_few_calls() -> None:
    points = list(once(FAULTS, CALLS * 10))
    assert {at.way for at in points} == FAULTS.keys()
    assert {"inner DeleteObjects", "inner-after CopyObject"} <= {at.way for at in once(FAULTS, CALLS * 2)}
    used = Counter(at.way for at in points)
    assert max(used.values()) <= 6


def test_in_all_ways_every_call_that_fits_is_disturbed_and_one_more_in_case_there_is_another_this_time() -> None:
    points = list(every(FAULTS, CALLS))
    assert [at.number for at in points if at.way == "kill-before"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [at.number for at in points if at.way == "kill-after"] == [1, 2, 3, 4, 5, 6]
    assert [at.number for at in points if at.way == "inner CopyObject"] == [1, 2]


def test_every_third_call_in_three_ways_is_every_call() -> None:
    three = {name: FAULTS[name] for name in ("cut", "lost", "kill-before")}
    assert sorted(at.number for at in every(three, CALLS, 3)) == [1, 2, 3, 4, 5, 6, 7]


def test_calls_that_were_not_met_are_disturbed_by_their_number_among_all() -> None:
    points = list(these(VISITS, [3, 5]))
    assert [at.number for at in points] == [3, 5]
    assert len({at.way for at in points}) == 2


def test_each_story_can_be_disturbed_at_any_call() -> None:
    assert all(len(list(once(story.ways, CALLS))) == len(CALLS) for story in STORIES.values())
