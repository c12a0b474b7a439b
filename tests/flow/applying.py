"""Buckets, real plan files over them, and snapshots: what the tests of apply and undo speak through."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pytest
import zstandard
from msgspec import Raw

from labelplan.flow import batches
from labelplan.flow.apply import apply_plan
from labelplan.flow.locking import Locking
from labelplan.flow.undo import undo_run
from labelplan.model.objects import Target
from labelplan.model.plan import Decision, DetectorRecord, Header, RuleHeader, RuleSummary, Signature, Summary
from labelplan.model.run import Capabilities
from labelplan.planfile.reader import open_plan
from labelplan.planfile.writer import PlanWriter
from labelplan.store.s3 import open_reader, open_writer

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from labelplan.flow.apply import Applied
    from labelplan.flow.undo import Undone

T = TypeVar("T")

KEYS = [f"deer/{number}.jpg" for number in range(1, 6)]
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
UNLOCKED: dict[str, Any] = {"locking": Locking(disabled=True)}
EXPIRES = dt.datetime(2999, 11, 29, 12, tzinfo=dt.UTC)  # moto's clock is the machine's: it must never get there


SPEC = b'{"version":1,"bucket":"b","labels":{"deer":{"prefix":"deer/","accept":["Deer"]}}}'
COPY = SPEC.replace(b'"labels"', b'"backup":{"mode":"copy"},"labels"')

SINGLE = Capabilities(
    bulk_delete=False,
    single_delete=True,
    copy_source=False,
    copy_absent=False,
    put_absent=True,
    put_match=True,
    tags=True,
)
"""What moto's server honours."""


class FakeSigner:
    """Apply and undo look at no signature: that is done before."""

    keyid = "SHA256:me"
    public = b""

    def unlock(self) -> None:
        pass

    def sign(self, message: bytes) -> Signature:
        return Signature(self.keyid, "sshsig", str(len(message)))


def write_plan(path: Path, bucket: str, delete: Collection[str], **header: Any) -> Path:
    """Plan all that is in the bucket: *delete* goes, the rest stays."""
    reader = open_reader(bucket)
    decisions = [
        Decision(
            one.key,
            one.version_id,
            one.etag,
            one.size,
            "deer",
            "delete" if one.key in delete else "keep",
            "no-evidence" if one.key in delete else "evidence",
        )
        for one in reader.list_current("")
    ]
    return write_decisions(path, decisions, **({"target": reader.target()} | header))


def write_decisions(path: Path, decisions: Iterable[Decision], **changes: Any) -> Path:
    values: dict[str, Any] = {
        "tool": "labelplan 0",
        "target": Target("", "", "us-east-1", "nowhere", "Enabled"),
        "spec": Raw(SPEC),
        "spec_sha256": "0" * 64,
        "detector": DetectorRecord("rekognition", 50, 50.0, "3.0"),
        "rules": (RuleHeader("deer", (), ()),),
        "created": NOON,
        "expires": EXPIRES,
        "nonce": path.name,
    }
    decisions = list(decisions)
    counts = Counter(f"{one.action} {one.reason}" for one in decisions)
    with PlanWriter(path, Header(**(values | changes))) as plan:
        for decision in decisions:
            plan.add(decision)
        plan.finish(Summary((RuleSummary("deer", dict(sorted(counts.items())), (), ()),)), FakeSigner(), None)
    return path


def noon() -> dt.datetime:
    return NOON


def content(s3: S3Client, bucket: str) -> dict[str, tuple[Any, ...]]:
    """What a reader of the bucket sees: bytes, type, metadata, tags and version id by key."""
    seen = {}
    for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
        key = entry["Key"]
        if not key.startswith(".labelplan/"):
            got = s3.get_object(Bucket=bucket, Key=key)
            tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
            seen[key] = (got["Body"].read(), got["ContentType"], got["Metadata"], tags, got["VersionId"])
    return seen


def history(s3: S3Client, bucket: str) -> set[tuple[str, str, bool, bool]]:
    """All versions and delete markers: key, version id, whether it is a marker, whether it is the latest."""
    listed = s3.list_object_versions(Bucket=bucket)
    entries = [(one, False) for one in listed.get("Versions", ())]
    entries += [(one, True) for one in listed.get("DeleteMarkers", ())]  # type: ignore[misc]  # both have what is read
    return {
        (one["Key"], one["VersionId"], marker, one["IsLatest"])
        for one, marker in entries
        if not one["Key"].startswith(".labelplan/")
    }


def records(s3: S3Client, bucket: str) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix=".labelplan/").get("Contents", ())]


def apply(path: Path, bucket: str, **options: Any) -> Applied:
    """Apply, without a probe and without a lock: those have tests of their own."""
    values: dict[str, Any] = {"signer": "SHA256:me", "now": noon} | UNLOCKED | {"capabilities": SINGLE} | options
    with open_plan(path) as plan:
        return apply_plan(plan, open_writer(bucket), **values)


def undo(run: str, **options: Any) -> Undone:
    """Undo without a lock; *run* as `apply` returns it."""
    bucket, _, run_id = run.partition("/")
    values: dict[str, Any] = {"now": noon} | UNLOCKED | options
    return undo_run(open_writer(bucket), run_id, **values)


def lines(s3: S3Client, bucket: str, key: str, kind: type[T]) -> list[T]:
    """Read a file of a record's JSON lines."""
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return msgspec.json.Decoder(kind).decode_lines(zstandard.ZstdDecompressor().decompress(body, 1 << 20))


class Diary:
    """An observer that writes down what it hears."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.heard: list[Any] = []
        self._stop = stop

    def started(self, run: str, total: int, *, resumed: bool) -> None:
        self.heard.append((run.split("/", maxsplit=1)[0], total, resumed))

    def progressed(self, counts: Mapping[str, int]) -> None:
        self.heard.append(dict(counts))
        if self._stop:
            self._stop.set()


@contextmanager
def one_at_a_time(batch: int = batches.BATCH) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "IN_FLIGHT", 1)
        patch.setattr(batches, "SINGLY", 1)
        patch.setattr(batches, "BATCH", batch)
        yield
