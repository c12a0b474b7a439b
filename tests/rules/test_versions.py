"""What a version list says about a planned object."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from labelplan.model.objects import KeyVersion, S3Object
from labelplan.rules.versions import Recorded, WayBack, is_planned, marker_above, state, way_back, would_lose

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
NOT_OURS = WayBack("left", why="it was deleted again by somebody else")
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
        ([M1, V1], "m1", WayBack("marker", M1)),
        ([M1, V1], "", WayBack("marker", M1)),
        ([M1, COPY, V1], "m1", WayBack("marker", M1)),  # the same bytes, uploaded again before the delete
        ([M1, COPY, V1], "", NOT_OURS),
        ([M1, V2, V1], "m1", WayBack("marker", M1)),  # a server that did not compare: it hides something newer
        ([M1, V2, V1], "", NOT_OURS),
        ([M1, V1], "m9", NOT_OURS),
        ([M2, M1, V1], "m1", NOT_OURS),
        ([M2, M1, V1], "", NOT_OURS),
        ([V2, M1, V1], "m1", NEWER),
        ([V2, V1], "", NEWER),
        ([V2], "", NEWER),
        ([M1], "m1", ABSENT),
        ([M1, V2], "m1", ABSENT),  # what lies below is older: the planned version is gone for good
        ([], "m1", ABSENT),
        ([NULL_MARKER, V1], "null", WayBack("version", V1)),
        ([NULL_MARKER, V1], "", WayBack("version", V1)),
        ([NULL_MARKER], "", ABSENT),  # it took the place of the planned version `null`
        ([NULL_MARKER, V2], "null", ABSENT),
    ],
)
def test_only_the_run_s_own_delete_is_taken_back(versions: list[KeyVersion], recorded: str, expected: WayBack) -> None:
    assert way_back(versions, PLANNED, Recorded(recorded, NOON, None)) == expected


@pytest.mark.parametrize("recorded", ["", "m1"])
@pytest.mark.parametrize(("seconds", "ours"), [(-1, False), (0, True), (10, True), (11, False)])
def test_the_marker_must_be_from_the_run_s_time(seconds: int, recorded: str, *, ours: bool) -> None:
    found = marker("m1", seconds)
    expected = WayBack("marker", found) if ours else NOT_OURS
    until = NOON + dt.timedelta(seconds=10)
    assert way_back([found, V1], PLANNED, Recorded(recorded, NOON, until)) == expected


def test_what_was_never_to_be_deleted_is_not_taken_back() -> None:
    assert way_back([M1, V1], PLANNED, Recorded("m1", None, None)) == NOT_OURS


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
