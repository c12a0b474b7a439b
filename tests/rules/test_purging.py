"""Which old version a run's delete hides: what a purge may destroy."""

from __future__ import annotations

import datetime as dt

import pytest
from msgspec.structs import replace

from labelplan.model.objects import KeyVersion, S3Object
from labelplan.rules.purging import ANOTHER, COVERED, TAKEN, UNRECORDED, OldVersion, old_version
from labelplan.rules.versions import Recorded

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
PLANNED = S3Object("deer/1.jpg", "v1", "e1", 10)
RECORDED = Recorded("m1", NOON, NOON + dt.timedelta(minutes=5))
CRASHED = Recorded("", NOON, None)


def version(name: str, etag: str = "e1", size: int = 10) -> KeyVersion:
    return KeyVersion("deer/1.jpg", name, etag, size, False, False, NOON)


def marker(name: str, seconds: int = 1) -> KeyVersion:
    return KeyVersion("deer/1.jpg", name, "", 0, True, True, NOON + dt.timedelta(seconds=seconds))


V1, V2, OLDER = version("v1"), version("v2", "e2"), version("v0", "e0")
M1, M2 = marker("m1"), marker("m2")


@pytest.mark.parametrize("versions", [[M1, V1], [M1, V1, OLDER]])
def test_what_the_run_s_own_marker_lies_on_may_go(versions: list[KeyVersion]) -> None:
    assert old_version(versions, PLANNED, RECORDED, "Enabled") == OldVersion(V1)


@pytest.mark.parametrize(
    ("versions", "recorded", "why"),
    [
        ([M1, V1], CRASHED, UNRECORDED),
        ([M1, V1, OLDER], CRASHED, UNRECORDED),
        ([V2, M1, V1], RECORDED, COVERED),
        ([V2, V1], CRASHED, COVERED),
        ([M1, V2, V1], RECORDED, ANOTHER),  # the marker lies on another version
        ([M2, V1], RECORDED, ANOTHER),  # somebody else's delete
        ([M2, M1, V1], RECORDED, ANOTHER),
        ([M2, V1], replace(RECORDED, compared=False), ANOTHER),  # of the run's time, but not the one it recorded
        ([marker("m1", -3600), V1], CRASHED, ANOTHER),  # older than the intent
    ],
)
def test_what_somebody_else_may_have_deleted_or_has_covered_stays_and_is_named(
    versions: list[KeyVersion], recorded: Recorded, why: str
) -> None:
    assert old_version(versions, PLANNED, recorded, "Enabled") == OldVersion(V1, why)


@pytest.mark.parametrize(
    ("versions", "recorded"),
    [
        ([], RECORDED),
        ([V1], RECORDED),  # restored
        ([M1], RECORDED),  # gone already
        ([M1, version("v1", "e9")], RECORDED),  # not the planned bytes
        ([M1, version("v1", size=11)], RECORDED),
        ([M2, V1], replace(RECORDED, undone=True)),  # brought back, and then deleted by hand
        ([V2, V1], replace(RECORDED, undone=True)),
    ],
)
def test_nothing_else_is_the_run_s(versions: list[KeyVersion], recorded: Recorded) -> None:
    assert old_version(versions, PLANNED, recorded, "Enabled") is None


def test_the_version_null_may_go_only_while_versioning_is_on() -> None:
    planned, null = S3Object("deer/1.jpg", "null", "e1", 10), version("null")
    assert old_version([M1, null], planned, RECORDED, "Enabled") == OldVersion(null)
    assert old_version([M1, null], planned, RECORDED, "Suspended") == OldVersion(null, TAKEN)


def test_what_the_record_has_lost_stays_and_is_named() -> None:
    assert old_version([M1, V1], PLANNED, Recorded("m1", None, None), "Enabled") == (V1, ANOTHER)
