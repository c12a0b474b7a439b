"""What a version list says about a planned object."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from labelplan.model.objects import KeyVersion, S3Object
from labelplan.rules.versions import (
    Recorded,
    WayBack,
    is_planned,
    marker_above,
    own_marker,
    state,
    way_back,
    would_lose,
)

if TYPE_CHECKING:
    from labelplan.model.objects import Versioning

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
PLANNED = S3Object("deer/1.jpg", "v1", "e1", 10)


def version(name: str, etag: str = "e1", size: int = 10) -> KeyVersion:
    return KeyVersion("deer/1.jpg", name, etag, size, False, False, NOON)


def marker(name: str, seconds: int = 0) -> KeyVersion:
    return KeyVersion("deer/1.jpg", name, "", 0, True, True, NOON + dt.timedelta(seconds=seconds))


V1, V2, COPY = version("v1"), version("v2", "e2"), version("v2")
M1, M2 = marker("m1"), marker("m2")
LATER = KeyVersion("deer/1.jpg", "v3", "e3", 1, False, False, NOON + dt.timedelta(seconds=1))
OLDER = KeyVersion("deer/1.jpg", "v0", "e0", 1, False, False, NOON - dt.timedelta(days=1))
NEWER = WayBack("left", why="another object was stored under this key")
ABSENT, PRESENT = WayBack("absent"), WayBack("present")
NULL_MARKER, NULL_VERSION = marker("null"), version("null", "e9")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [([], "gone"), ([M1, V1], "gone"), ([V1], "planned"), ([V1, V2], "planned"), ([V2, V1], "changed")],
)
def test_what_is_current_is_the_planned_object_another_or_none(versions: list[KeyVersion], expected: str) -> None:
    assert state(versions, PLANNED) == expected


@pytest.mark.parametrize("other", [version("v2"), version("v1", "e2"), version("v1", size=11), M1])
def test_the_planned_version_has_its_id_its_etag_and_its_size(other: KeyVersion) -> None:
    assert is_planned(V1, PLANNED)
    assert not is_planned(other, PLANNED)


@pytest.mark.parametrize("versions", [[], [V1], [M1], [V2, V1], [M1, V2, V1], [M2, M1, V1]])
def test_only_the_latest_marker_directly_above_hides_the_planned_version(versions: list[KeyVersion]) -> None:
    assert marker_above(versions, PLANNED) is None
    assert marker_above([M1, V1, V2], PLANNED) == M1


@pytest.mark.parametrize(
    ("versions", "recorded", "expected"),
    [
        ([V1], "m1", PRESENT),
        ([COPY, M1, V1], "m1", PRESENT),  # put back as a copy, or uploaded again
        ([M1, V1], "m1", WayBack("marker", (M1,))),
        ([M1, V1], "", WayBack("marker", (M1,))),
        ([M1, COPY, V1], "m1", WayBack("marker", (M1,))),  # the same bytes, uploaded again before the delete
        ([M1, COPY, V1], "", WayBack("marker", (M1,))),
        ([M1, V2, V1], "m1", WayBack("marker", (M1,))),  # a server that did not compare: it hides something newer
        ([M1, V2, V1], "", "not ours"),
        ([M1, V1], "m9", "not ours"),
        ([M2, M1, V1], "m1", "not ours"),
        ([M2, M1, V1], "", "not ours"),
        ([V2, M1, V1], "m1", NEWER),
        ([V2, V1], "", NEWER),
        ([V2], "", NEWER),
        ([M1], "m1", ABSENT),
        ([M1, OLDER], "m1", ABSENT),  # the planned version is gone for good
        ([M1, LATER], "m1", WayBack("marker", (M1,))),  # it was hidden, and is newer
        ([], "m1", ABSENT),
        ([NULL_MARKER, V1], "null", WayBack("version")),
        ([NULL_MARKER, V1], "", WayBack("version")),
        ([NULL_MARKER], "", ABSENT),  # it took the place of the planned version `null`
        ([NULL_MARKER, OLDER], "null", ABSENT),
    ],
)
def test_only_the_run_s_own_delete_is_taken_back(
    versions: list[KeyVersion], recorded: str, expected: WayBack | str
) -> None:
    assert_way(way_back(versions, PLANNED, Recorded(recorded, NOON, None)), expected)


def assert_way(found: WayBack, expected: WayBack | str) -> None:
    if isinstance(expected, str):
        assert found.way == "left"
        assert "not known to be this run's lies on it: " in found.why
    else:
        assert found == expected


@pytest.mark.parametrize(("seconds", "ours"), [(-1, False), (0, True), (10, True), (11, False)])
def test_a_marker_that_was_not_recorded_must_be_from_the_run_s_time(seconds: int, *, ours: bool) -> None:
    found = marker("m1", seconds)
    until = NOON + dt.timedelta(seconds=10)
    expected = WayBack("marker", (found,)) if ours else "not ours"
    assert_way(way_back([found, COPY, V1], PLANNED, Recorded("", NOON, until)), expected)


@pytest.mark.parametrize(("minutes", "ours"), [(-16, False), (-14, True)])
def test_what_was_current_at_the_intent_was_hidden_after_it_though_the_clocks_differ(
    minutes: int, *, ours: bool
) -> None:
    found = marker("m1", minutes * 60)
    expected = WayBack("marker", (found,)) if ours else "not ours"
    assert_way(way_back([found, V1], PLANNED, Recorded("", NOON, None)), expected)


@pytest.mark.parametrize(("minutes", "ours"), [(-16, False), (-14, True), (14, True), (16, False)])
def test_the_clocks_may_differ_a_little_where_the_marker_was_recorded(minutes: int, *, ours: bool) -> None:
    found = marker("m1", minutes * 60)
    expected = WayBack("marker", (found,)) if ours else "not ours"
    assert_way(way_back([found, V1], PLANNED, Recorded("m1", NOON, NOON)), expected)


def test_where_the_server_did_not_compare_all_markers_of_the_run_s_time_are_removed() -> None:
    repeated = [M2, M1, V1]
    assert way_back(repeated, PLANNED, Recorded("m1", NOON, None, compared=False)) == WayBack("marker", (M2, M1))
    older = marker("m0", -60)
    assert way_back([M1, older, V1], PLANNED, Recorded("", NOON, None, compared=False)) == WayBack("marker", (M1,))
    assert way_back([M1, LATER, V1], PLANNED, Recorded("", NOON, None, compared=False)) == WayBack("marker", (M1,))


def test_what_was_brought_back_and_is_gone_again_stays_gone() -> None:
    assert way_back([], PLANNED, Recorded("", NOON, None, undone=True)).way == "left"


@pytest.mark.parametrize("below", [V1, COPY])
def test_the_run_s_marker_lies_directly_on_the_planned_bytes(below: KeyVersion) -> None:
    assert own_marker([M1, below], PLANNED, NOON) == M1
    assert own_marker([M1, below], PLANNED, NOON + dt.timedelta(minutes=16)) is None
    assert own_marker([M1, below], PLANNED, NOON, NOON) == M1
    assert own_marker([M1, below], PLANNED, NOON, NOON - dt.timedelta(seconds=1)) is None
    assert own_marker([M1, V2, below], PLANNED, NOON) is None
    assert own_marker([below, M1], PLANNED, NOON) is None


def test_what_was_never_to_be_deleted_is_not_taken_back() -> None:
    assert_way(way_back([M1, V1], PLANNED, Recorded("m1", None, None)), "not ours")


@pytest.mark.parametrize(
    ("versions", "versioning", "loses"),
    [
        ([V1, NULL_VERSION], "Suspended", True),
        ([V1, NULL_VERSION], "Enabled", False),
        ([V1, V2], "Suspended", False),
        ([V1], "Disabled", False),
    ],
)
def test_a_delete_in_a_suspended_bucket_would_destroy_another_null_version(
    versions: list[KeyVersion], versioning: Versioning, *, loses: bool
) -> None:
    assert would_lose(versions, PLANNED, versioning) is loses
