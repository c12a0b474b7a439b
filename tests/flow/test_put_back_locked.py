"""An old version under Object Lock is put over its delete marker: the new one is locked as it was, or it is said."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from msgspec.structs import replace

from labelplan.flow.put_back import put_version_back
from labelplan.store.s3 import open_writer
from tests.flow.copying import ALL, KEY, intent, new_bucket, put
from tests.simulators.s3.running import running
from tests.wire import answer, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from labelplan.model.run import UndoResult
    from tests.simulators.s3.running import Simulator
    from tests.wire import Sent

LATER = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=3)
RETENTION: dict[str, Any] = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": LATER}
HOLD: dict[str, Any] = {"ObjectLockLegalHoldStatus": "ON"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as started:
        yield started


@pytest.fixture
def s3(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulator.url)
    return boto3.session.Session().client("s3")


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return new_bucket(s3, ObjectLockEnabledForBucket=True, ObjectOwnership="ObjectWriter")


def lock_of(s3: S3Client, bucket: str) -> dict[str, Any]:
    return {name: value for name, value in s3.head_object(Bucket=bucket, Key=KEY).items() if "Lock" in name}


def hidden_and_put_back(s3: S3Client, bucket: str, through: str = "copy", **options: Any) -> UndoResult:
    one = put(s3, bucket, **options)
    s3.delete_object(Bucket=bucket, Key=KEY)
    return put_version_back(open_writer(bucket), replace(ALL, copy_absent=through == "copy"), intent(one, None))


def without_permission(header: str) -> Any:
    def disturb(sent: Sent, carry_out: Any) -> Any:
        asked = any(name.startswith(header) for name in sent.headers)
        return answer(403, "AccessDenied", "No") if asked else carry_out()

    return disturb


@pytest.mark.parametrize("through", ["copy", "put"])
@pytest.mark.parametrize("lock", [RETENTION, HOLD, RETENTION | HOLD], ids=["retention", "hold", "both"])
def test_a_lock_is_set_again(s3: S3Client, bucket: str, lock: dict[str, Any], through: str) -> None:
    result = hidden_and_put_back(s3, bucket, through, **lock)
    assert (result.outcome, result.message) == ("restored", "")
    assert lock_of(s3, bucket) == lock


def test_a_retention_that_is_over_is_not_set_again_and_the_hold_is(
    s3: S3Client, bucket: str, simulator: Simulator
) -> None:
    one = put(s3, bucket, **RETENTION | HOLD)
    s3.delete_object(Bucket=bucket, Key=KEY)
    simulator.settings(clock_shift=4 * 86_400)
    result = put_version_back(open_writer(bucket), ALL, intent(one, None))
    assert (result.outcome, result.message) == ("restored", "")
    assert lock_of(s3, bucket) == HOLD


def test_a_lock_that_may_not_be_set_is_said_and_the_object_comes_back(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket, ACL="public-read", **RETENTION)
    s3.delete_object(Bucket=bucket, Key=KEY)
    with recorded(without_permission("x-amz-object-lock-")):
        result = put_version_back(open_writer(bucket), ALL, intent(one, None))
    why = "its ACL could not be set (AccessDenied: No); its Object Lock could not be set (AccessDenied: No)"
    assert (result.outcome, result.message) == ("restored", why)
    assert lock_of(s3, bucket) == {}


def test_a_lock_that_the_server_ignores_is_said(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket, **HOLD)
    s3.delete_object(Bucket=bucket, Key=KEY)

    def disturb(sent: Sent, carry_out: Any) -> Any:
        found = carry_out()
        if sent.method == "HEAD" and sent.query.get("versionId") != one.version_id:
            found.headers.pop("x-amz-object-lock-legal-hold", None)
        return found

    with recorded(disturb):
        result = put_version_back(open_writer(bucket), ALL, intent(one, None))
    assert (result.outcome, result.message) == ("restored", "not as it was: its Object Lock")


def test_a_lock_that_the_bucket_gives_by_itself_is_no_loss(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket, StorageClass="STANDARD_IA")
    s3.delete_object(Bucket=bucket, Key=KEY)
    s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        },
    )
    result = put_version_back(open_writer(bucket), ALL, intent(one, None))
    assert (result.outcome, result.message) == ("restored", "")
