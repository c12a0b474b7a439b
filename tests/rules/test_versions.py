"""What a version list says about a planned object."""

from __future__ import annotations

import datetime as dt

import pytest

from labelplan.model.objects import KeyVersion
from labelplan.model.plan import Decision
from labelplan.rules.versions import is_planned, marker_above, marker_to_remove, state

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
PLANNED = Decision("deer/1.jpg", "v1", "e1", 10, "deer", "delete", "no-evidence")


def version(name: str, etag: str = "e1", size: int = 10) -> KeyVersion:
    return KeyVersion("deer/1.jpg", name, etag, size, False, False, NOON)


def marker(name: str, seconds: int = 0) -> KeyVersion:
    return KeyVersion("deer/1.jpg", name, "", 0, True, True, NOON + dt.timedelta(seconds=seconds))


V1, V2, COPY = version("v1"), version("v2", "e2"), version("v2")
M1, M2 = marker("m1"), marker("m2")
NOT_OURS = "it was deleted again by somebody else"
NEWER = "another object was stored under this key"
NONE_LEFT = "no version of it is left"


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
        ([M1, V1], "m1", M1),
        ([M1, V1], "", M1),
        ([M1, COPY, V1], "m1", M1),  # the same bytes, uploaded again before the delete
        ([M1, COPY, V1], "", NOT_OURS),
        ([M1, V1], "m9", NOT_OURS),
        ([M2, M1, V1], "m1", NOT_OURS),
        ([M2, M1, V1], "", NOT_OURS),
        ([M1, V2, V1], "m1", NOT_OURS),
        ([M1, version("v2", size=11)], "m1", NOT_OURS),
        ([V2, M1, V1], "m1", NEWER),
        ([V2, V1], "", NEWER),
        ([V2], "", NEWER),
        ([M1], "m1", NONE_LEFT),
        ([], "m1", NONE_LEFT),
    ],
)
def test_only_the_run_s_own_marker_on_the_planned_bytes_is_removed(
    versions: list[KeyVersion], recorded: str, expected: KeyVersion | str
) -> None:
    assert marker_to_remove(versions, PLANNED, recorded, NOON, None) == expected


@pytest.mark.parametrize(("seconds", "ours"), [(-1, False), (0, True), (10, True), (11, False)])
def test_an_unrecorded_marker_must_be_from_the_run_s_time(seconds: int, *, ours: bool) -> None:
    found = marker("m1", seconds)
    expected = found if ours else NOT_OURS
    assert marker_to_remove([found, V1], PLANNED, "", NOON, NOON + dt.timedelta(seconds=10)) == expected
    assert marker_to_remove([found, V1], PLANNED, "m1", NOON, NOON) == found


def test_the_marker_null_is_never_removed_and_the_way_by_hand_is_said() -> None:
    for recorded in ("null", ""):
        answer = marker_to_remove([marker("null"), V1], PLANNED, recorded, NOON, None)
        assert "by hand: aws s3api delete-object" in str(answer)
    assert marker_to_remove([marker("null"), V1], PLANNED, "m1", NOON, None) == NOT_OURS
