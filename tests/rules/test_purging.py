"""Which old version a run's delete hides: what a purge may destroy."""

from __future__ import annotations

import datetime as dt

import pytest

from labelplan.model.objects import KeyVersion, S3Object
from labelplan.rules.purging import hidden_version, perhaps_hidden
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
    assert hidden_version(versions, PLANNED, RECORDED, "Enabled") == V1
    assert perhaps_hidden(versions, PLANNED, RECORDED, "Enabled") is None


@pytest.mark.parametrize("versions", [[M1, V1], [M1, V1, OLDER]])
def test_what_lies_under_a_marker_without_a_recorded_id_stays_and_is_named(versions: list[KeyVersion]) -> None:
    assert hidden_version(versions, PLANNED, CRASHED, "Enabled") is None
    assert perhaps_hidden(versions, PLANNED, CRASHED, "Enabled") == V1


@pytest.mark.parametrize(
    ("versions", "recorded"),
    [
        ([], RECORDED),
        ([V1], RECORDED),  # restored
        ([V2, M1, V1], RECORDED),  # something newer is there
        ([M1], RECORDED),  # gone already
        ([M1, V2, V1], RECORDED),  # the marker lies on another version
        ([M1, version("v1", "e9")], RECORDED),  # not the planned bytes
        ([M1, version("v1", size=11)], RECORDED),
        ([M2, V1], RECORDED),  # somebody else's delete
        ([M2, M1, V1], RECORDED),
        ([marker("m1", -1), V1], CRASHED),  # older than the intent
        ([M1, V1], Recorded("m1", None, None)),  # the run was never about to delete it
    ],
)
def test_nothing_else_may(versions: list[KeyVersion], recorded: Recorded) -> None:
    assert hidden_version(versions, PLANNED, recorded, "Enabled") is None
    assert perhaps_hidden(versions, PLANNED, recorded, "Enabled") is None


def test_the_version_null_may_go_only_while_versioning_is_on() -> None:
    planned = S3Object("deer/1.jpg", "null", "e1", 10)
    versions = [M1, version("null")]
    assert hidden_version(versions, planned, RECORDED, "Enabled") == version("null")
    assert hidden_version(versions, planned, RECORDED, "Suspended") is None
