"""An object that an undo has brought back is known again, though KMS or a copy gave it another ETag."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from msgspec import Raw

from tests.flow.applying import COPY, apply, undo, write_plan
from tests.flow.copying import ALL, KEY, copies, new_bucket, put, save_and_delete, seen
from tests.simulators.s3.running import running
from tests.wire import answer, answers, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.simulators.s3.running import Simulator
    from tests.wire import Sent

KMS: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:us-east-1:1:key/7"}
NO_MARKERS = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObjectVersion"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as started:
        yield started


@pytest.fixture
def s3(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulator.url)
    return boto3.session.Session().client("s3")


@pytest.fixture(params=["versioning", "copy"])
def bucket(request: pytest.FixtureRequest, s3: S3Client) -> str:
    """A bucket whose way back is its versions, whose markers may not be removed, or copies."""
    if request.param == "copy":
        return new_bucket(s3)
    bucket = new_bucket(s3, "Enabled")
    policy = {"Version": "2012-10-17", "Statement": [NO_MARKERS | {"Resource": f"arn:aws:s3:::{bucket}/deer/*"}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    return bucket


@pytest.fixture
def run(s3: S3Client, bucket: str, tmp_path: Path) -> str:
    """A run that deleted an object under a KMS key, and was undone."""
    put(s3, bucket, **KMS)
    versions = s3.get_bucket_versioning(Bucket=bucket).get("Status")
    spec: dict[str, Any] = {} if versions else {"spec": Raw(COPY)}
    run = apply(write_plan(tmp_path / "p", bucket, [KEY], **spec), bucket, capabilities=ALL).run
    assert undo(run).counts == {"restored": 1}
    return run


def no_checksums(_: Sent, carry_out: Callable[[], Any]) -> Any:
    found = carry_out()
    for name in [name for name in found.headers if name.lower().startswith("x-amz-checksum-")]:
        del found.headers[name]
    return found


@pytest.mark.parametrize("disturb", [None, no_checksums], ids=["checksums", "bytes"])
def test_a_second_undo_finds_it_present(s3: S3Client, bucket: str, run: str, disturb: Any) -> None:
    before = s3.head_object(Bucket=bucket, Key=KEY)["ETag"]
    with recorded(disturb) as wire:
        assert undo(run).counts == {"present": 1}
    downloaded = any(one.method == "GET" and one.key == KEY and "tagging" not in one.query for one in wire.sent)
    assert downloaded is (disturb is not None)
    assert s3.head_object(Bucket=bucket, Key=KEY)["ETag"] == before


@pytest.mark.parametrize("disturb", [None, no_checksums], ids=["checksums", "bytes"])
def test_another_object_of_the_same_size_is_left(s3: S3Client, bucket: str, run: str, disturb: Any) -> None:
    put(s3, bucket, body=b"reed")
    with recorded(disturb):
        (result,) = undo(run).others
    assert (result.outcome, result.message) == ("left", "another object was stored under this key")
    assert seen(s3, bucket)["Body"] == b"reed"


def test_what_cannot_be_read_is_not_called_another_object(bucket: str, run: str) -> None:
    with recorded(answers(lambda sent: sent.method == "HEAD" and sent.key == KEY, lambda: answer(403, "AccessDenied"))):
        (result,) = undo(run).others
    assert result.outcome == "failed"
    assert f"Cannot read s3://{bucket}/{KEY}" in result.message


def test_an_object_whose_etag_is_its_md5_is_not_looked_at(s3: S3Client, tmp_path: Path) -> None:
    bucket = new_bucket(s3)
    put(s3, bucket)
    run = apply(write_plan(tmp_path / "p", bucket, [KEY], spec=Raw(COPY)), bucket, capabilities=ALL).run
    put(s3, bucket, body=b"reed")
    with recorded() as wire:
        assert undo(run).counts == {"left": 1}
    assert not [one for one in wire.sent if one.key == KEY and one.method in {"GET", "HEAD"}]


def test_an_old_version_whose_etag_is_its_md5_is_another_object(s3: S3Client, tmp_path: Path) -> None:
    bucket = new_bucket(s3, "Enabled")
    put(s3, bucket)
    run = apply(write_plan(tmp_path / "p", bucket, [KEY]), bucket, capabilities=ALL).run
    put(s3, bucket, body=b"reed")
    with recorded() as wire:
        assert undo(run).counts == {"left": 1}
    assert not [one for one in wire.sent if one.key == KEY and one.method == "GET"]


# --- copies that came late -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"deer", b"reed"])
def test_a_late_copy_is_put_back_if_it_has_the_recorded_checksum(s3: S3Client, body: bytes) -> None:
    bucket = new_bucket(s3)
    one, run = put(s3, bucket, **KMS), copies(bucket)
    intents = save_and_delete(s3, bucket, run, one)
    put(s3, bucket, run.key_of(KEY), body, **KMS)
    (result,) = run.restore(intents)
    assert result.outcome == ("restored" if body == b"deer" else "failed")
    if body == b"deer":
        assert seen(s3, bucket)["Body"] == b"deer"
        s3.delete_object(Bucket=bucket, Key=run.key_of(KEY))
        now = s3.head_object(Bucket=bucket, Key=KEY)
        assert now["ServerSideEncryption"] == "aws:kms"
