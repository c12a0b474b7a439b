"""The judge sees each way in which a bucket can be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.clients import Ended
from tests.faults.company import Visitor
from tests.faults.disturbances import Disturbance
from tests.faults.judging import Fault, after_any, after_apply, after_undo, after_visit, of_clients
from tests.faults.look import history
from tests.faults.pictures import BAD, KEPT
from tests.faults.telling import Telling

if TYPE_CHECKING:
    from tests.faults.stage import Stage


def kinds(faults: list[Fault]) -> set[str]:
    return {fault.kind for fault in faults}


@pytest.fixture
def one(stage: Stage) -> Telling:
    return Telling(stage, "judged", "versioning", Disturbance("lost", 1))


@pytest.fixture
def plain(stage: Stage) -> Telling:
    return Telling(stage, "judged", "copy", Disturbance("lost", 1))


def delete(one: Telling, *keys: str) -> None:
    for key in keys:
        one.stage.s3.delete_object(Bucket=one.bucket.name, Key=key)


def judged(one: Telling) -> tuple[set[str], set[str], set[str]]:
    """What the judge says at any time, after an apply, and after an undo."""
    s3 = one.stage.s3
    return tuple(kinds(judge(s3, one.bucket, one.before)) for judge in (after_any, after_apply, after_undo))  # type: ignore[return-value]  # three of them


def test_nothing_is_wrong_with_a_bucket_as_it_was_but_that_nothing_is_applied(one: Telling) -> None:
    assert judged(one) == (set(), {"wrong"}, set())


def test_nothing_is_wrong_when_each_planned_object_was_deleted_once_but_that_nothing_is_undone(one: Telling) -> None:
    delete(one, *one.bucket.delete)
    assert judged(one) == (set(), set(), {"wrong"})


def test_a_second_marker_is_wrong(one: Telling) -> None:
    delete(one, *one.bucket.delete, BAD[0])
    assert judged(one) == (set(), {"wrong"}, {"wrong"})


def test_what_the_plan_keeps_is_missed(one: Telling, plain: Telling) -> None:
    for telling in (one, plain):
        delete(telling, KEPT[0])
        assert "kept" in judged(telling)[0]


def test_a_version_that_is_gone_is_lost(one: Telling) -> None:
    key, (_, older, *_) = BAD[1], one.before.entries[BAD[1]]
    one.stage.s3.delete_object(Bucket=one.bucket.name, Key=key, VersionId=older.version_id)
    assert all("lost" in found for found in judged(one))


def test_an_object_without_a_copy_is_lost(plain: Telling) -> None:
    delete(plain, BAD[0])
    assert all("lost" in found for found in judged(plain))


@pytest.mark.parametrize("change", [{"Metadata": {"of": "elsewhere"}}, {"Tagging": "a=b"}, {"Body": b"other"}])
def test_an_object_that_came_back_otherwise_is_lost(plain: Telling, change: dict[str, object]) -> None:
    whole: dict[str, object] = {"Body": BAD[0].encode(), **change}
    plain.stage.s3.put_object(Bucket=plain.bucket.name, Key=BAD[0], **whole)  # type: ignore[arg-type]  # boto3's names
    assert kinds(after_undo(plain.stage.s3, plain.bucket, plain.before)) == {"lost"}


def test_what_somebody_else_wrote_must_stay_on_top(one: Telling) -> None:
    s3, bucket = one.stage.s3, one.bucket
    Visitor(s3, bucket).visit("replace")
    assert not after_visit(s3, bucket)
    delete(one, bucket.delete[0])
    s3.put_object(Bucket=bucket.name, Key=bucket.delete[2], Body=b"an old one")
    assert [fault.kind for fault in after_visit(s3, bucket)] == ["newer", "newer"]


def test_what_somebody_else_deleted_must_stay_deleted(one: Telling) -> None:
    s3, bucket = one.stage.s3, one.bucket
    Visitor(s3, bucket).visit("delete")
    assert not after_visit(s3, bucket)
    key = bucket.delete[0]
    (marker, *_) = history(s3, bucket.name)[key]
    s3.delete_object(Bucket=bucket.name, Key=key, VersionId=marker.version_id)
    assert kinds(after_visit(s3, bucket)) == {"newer"}


def test_a_crash_is_wrong_and_a_kill_or_an_error_that_is_explained_is_not() -> None:
    assert not of_clients(Ended(None, "", ""))
    assert not of_clients(Ended(10, "", "Error: The token has expired."))
    assert kinds(of_clients(Ended(1, "", 'Traceback (most recent call last):\n  File "x"\nKeyError: 1'))) == {"wrong"}
    assert kinds(of_clients(Ended(70, "", "no words"))) == {"wrong"}


def test_a_version_that_was_put_back_over_its_marker_is_as_before_only_where_markers_may_not_be_removed(
    one: Telling,
) -> None:
    s3, name, key = one.stage.s3, one.bucket.name, BAD[1]
    (planned, *_) = one.before.entries[key]
    delete(one, key)
    source = {"Bucket": name, "Key": key, "VersionId": planned.version_id}
    s3.copy_object(Bucket=name, Key=key, CopySource=source)  # type: ignore[arg-type]  # VersionId too
    assert kinds(after_undo(s3, one.bucket, one.before)) == {"wrong"}
    assert not after_undo(s3, one.bucket, one.before, denied=True)
    delete(one, key)
    assert kinds(after_undo(s3, one.bucket, one.before, denied=True)) == {"lost"}
