"""Purges of runs whose plans are signed with one's own key: what their tests speak through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.flow.locking import Locking
from labelplan.flow.purge import look_at_purge, purge_run
from labelplan.store.runs import RunRecord
from labelplan.store.s3 import open_writer
from labelplan.store.s3_purge import open_purger
from tests.flow.applying import KEYS, history, noon

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from labelplan.flow.purge import Doomed, Purged

OPTIONS: dict[str, Any] = {"locking": Locking(disabled=True), "now": noon}
"""How runs are purged here; *trust* is added for each test."""


def fill(s3: S3Client, bucket: str) -> str:
    """Store five pictures, each with an older version where there are versions."""
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=f"old {key}".encode())
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def purge(run: str, **options: Any) -> Purged:
    bucket, _, run_id = run.partition("/")
    return purge_run(open_purger(bucket), run_id, **(OPTIONS | options))


def look(run: str, **options: Any) -> Doomed:
    bucket, _, run_id = run.partition("/")
    return look_at_purge(open_purger(bucket), run_id, **({"trust": OPTIONS["trust"], "now": noon} | options))


def record_of(run: str) -> RunRecord:
    bucket, _, run_id = run.partition("/")
    return RunRecord(open_writer(bucket), run_id)


def versions(s3: S3Client, bucket: str) -> dict[tuple[str, str], bytes]:
    return {
        (key, version): s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
        for key, version, marker, _ in history(s3, bucket)
        if not marker
    }


def markers(s3: S3Client, bucket: str) -> dict[str, str]:
    return {key: version for key, version, marker, latest in history(s3, bucket) if marker and latest}
