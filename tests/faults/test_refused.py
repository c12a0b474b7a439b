"""What the bucket itself forbids: locked objects, denied deletes. Nothing is lost, and undo finds another way."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.disturbances import NEVER
from tests.faults.look import content
from tests.faults.telling import DONE, IN_PART, Telling

if TYPE_CHECKING:
    from tests.faults.stage import Stage


def deny(stage: Stage, bucket: str, *actions: str) -> None:
    statement: Any = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": [f"s3:{action}" for action in actions],
        "Resource": f"arn:aws:s3:::{bucket}/deer/*",
    }
    stage.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


@pytest.mark.parametrize("mode", ["versioning", "copy"])
def test_a_policy_that_denies_deletes_leaves_all_and_when_it_is_gone_the_same_command_goes_on(
    stage: Stage, mode: str
) -> None:
    one = Telling(stage, "denied", mode, NEVER)
    deny(stage, one.bucket.name, "DeleteObject")
    ended = one.apply()
    assert ended.code not in {DONE, None}
    one.nothing_is_lost()
    stage.s3.delete_bucket_policy(Bucket=one.bucket.name)
    one.finish_apply()
    one.finish_undo()
    assert not one.end().faults


def test_where_markers_may_not_be_removed_undo_puts_the_versions_back(stage: Stage) -> None:
    one = Telling(stage, "denied-undo", "versioning", NEVER)
    one.finish_apply()
    deny(stage, one.bucket.name, "DeleteObjectVersion")
    (run,) = one.runs()
    assert one.undo(run).code == DONE
    now = contents_now(one)
    for key in one.bucket.delete:
        was = one.before.contents[key, one.before.entries[key][0].version_id]
        assert now[key] == (was.body, was.metadata, was.headers, was.tags)
    one.nothing_is_lost()
    assert not one.end().faults


def lock(stage: Stage, one: Telling) -> list[str]:
    """Retain one of the planned objects, and hold another; return their keys."""
    s3, name, (retained, held, *_) = stage.s3, one.bucket.name, one.bucket.delete
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    s3.put_object_retention(Bucket=name, Key=retained, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until})
    s3.put_object_legal_hold(Bucket=name, Key=held, LegalHold={"Status": "ON"})
    return [retained, held]


def contents_now(one: Telling) -> dict[str, tuple[Any, ...]]:
    found = {key: content(one.stage.s3, one.bucket.name, key) for key in one.bucket.delete}
    return {key: (it.body, it.metadata, it.headers, it.tags) for key, it in found.items()}


def test_locked_versions_are_hidden_and_shown_again(stage: Stage) -> None:
    one = Telling(stage, "locked", "versioning", NEVER)
    lock(stage, one)
    one.finish_apply()
    one.finish_undo()
    assert not one.end().faults


def test_locked_objects_are_not_touched_where_the_way_back_is_a_copy(stage: Stage) -> None:
    one = Telling(stage, "locked", "copy-versioned", NEVER)
    locked = lock(stage, one)
    ended = one.apply()
    assert ended.code == IN_PART
    for key in locked:
        stage.s3.head_object(Bucket=one.bucket.name, Key=key)
    one.part_is_enough = True
    one.finish_undo()
    assert not one.end().faults
