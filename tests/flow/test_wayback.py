from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from labelplan.errors import NoWayBack
from labelplan.flow.wayback import WayBack, check_way_back
from labelplan.model.protection import Expiry, Protection
from labelplan.model.spec import Backup
from labelplan.store.s3 import open_reader
from tests.flow.making import NOW, Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OPEN = Protection((), mfa_delete=False, replicates=False, may_remove_markers=True, acls=False, bucket="wild")
COPY = Backup(mode="copy", bucket="backup", prefix="copies/")
OLD = Expiry("weekly", "deer/", noncurrent_days=7)
COPIES = Expiry("monthly", "copies/", days=29)
UNREAD = "the lifecycle rules of wild (s3:GetLifecycleConfiguration): AccessDenied"


def holding(protection: Protection) -> Bucket:
    bucket = Bucket()
    bucket.protected = protection
    return bucket


def check(data: Protection, other: Protection | None = None, backup: Backup | None = None) -> WayBack:
    copies = None if other is None else holding(other)
    return check_way_back(holding(data), copies, backup or Backup(), ("deer/",), NOW)


def test_what_nothing_ends_can_be_undone_for_ever() -> None:
    assert check(OPEN) == WayBack(None, removable=True, notes=())


def test_what_lasts_as_long_as_asked_for_is_told_until_when() -> None:
    found = check(replace(OPEN, expiries=(replace(OLD, noncurrent_days=30),)))
    assert found.until == NOW + dt.timedelta(days=30)


def test_what_lasts_less_is_refused_with_the_rule_and_what_to_do() -> None:
    with pytest.raises(NoWayBack) as refused:
        check(replace(OPEN, expiries=(OLD,)))
    assert refused.value.what == (
        "What is deleted could be brought back until 2026-11-29 at least, and not for the 30 days that the spec asks "
        "for: the lifecycle rule weekly of the bucket wild (for deer/) removes old versions after 7 days."
    )
    assert refused.value.advice.endswith("ask for less in the spec, and plan again: backup: {keep_days: 7}")
    assert refused.value.exit_code == 12
    assert check(replace(OPEN, expiries=(OLD,)), backup=Backup(keep_days=7)).until == NOW + dt.timedelta(days=7)


def test_of_copies_the_rules_of_their_own_bucket_count() -> None:
    other = replace(OPEN, bucket="backup", expiries=(COPIES,))
    with pytest.raises(NoWayBack, match=r"the lifecycle rule monthly of the bucket backup .* removes the copies"):
        check(replace(OPEN, expiries=(OLD,)), other, COPY)
    assert check(OPEN, replace(other, expiries=(OLD,)), COPY).until is None


def test_copies_in_the_same_bucket_go_by_its_rules() -> None:
    with pytest.raises(NoWayBack, match="monthly of the bucket wild"):
        check(replace(OPEN, expiries=(COPIES,)), None, COPY)


@pytest.mark.parametrize("other", [None, replace(OPEN, bucket="backup")])
def test_rules_that_may_not_be_read_are_doubt(other: Protection | None) -> None:
    hidden, backup = replace(OPEN, expiries=None, unread=(UNREAD,)), COPY if other else Backup()
    with pytest.raises(NoWayBack, match="The lifecycle rules of the bucket wild may not be read") as refused:
        check(hidden, other, backup)
    assert "s3:GetLifecycleConfiguration" in refused.value.advice
    assert "keep_days: 0" in refused.value.advice
    if other:
        with pytest.raises(NoWayBack, match="of the bucket wild may not be read"):
            check(OPEN, hidden, backup)


def test_who_asks_for_no_time_gets_any_and_is_told_what_is_not_known() -> None:
    anything = Backup(keep_days=0)
    found = check(replace(OPEN, expiries=None, unread=(UNREAD,)), backup=anything)
    assert found == WayBack(None, removable=True, notes=(f"Could not be read: {UNREAD}.",))
    assert check(replace(OPEN, expiries=(replace(OLD, noncurrent_days=0),)), backup=anything).until == NOW


def test_markers_that_may_not_be_removed_are_no_refusal() -> None:
    found = check(replace(OPEN, mfa_delete=True, may_remove_markers=False, replicates=True))
    assert (found.until, found.removable, len(found.notes)) == (None, False, 3)


def test_a_real_bucket_s_rules_are_read(s3: S3Client, bucket: str) -> None:
    rule: Any = {
        "ID": "weekly",
        "Status": "Enabled",
        "Filter": {"Prefix": "deer/"},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    with pytest.raises(NoWayBack, match=f"the lifecycle rule weekly of the bucket {bucket}"):
        check_way_back(open_reader(bucket), None, Backup(), ("deer/",), NOW)
    assert check_way_back(open_reader(bucket), None, Backup(), ("elk/",), NOW).until is None
