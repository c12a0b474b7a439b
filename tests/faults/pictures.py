"""The bucket that every story begins with: few objects, but with all that can be lost, and a signed plan over them."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw

from labelplan.model.objects import Target, Versioning
from labelplan.model.plan import Decision, DetectorRecord, Header, ReferenceRecord, RuleHeader, RuleSummary, Summary
from labelplan.model.response import decode_response
from labelplan.planfile.keys import find_signer
from labelplan.planfile.writer import PlanWriter
from labelplan.rules.accept import accepted_labels
from labelplan.specfile.build import build_spec
from tests.faults.guard import OWNER
from tests.faults.look import history

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.faults.look import Entry
    from tests.faults.targets import Target as Server

MODES = ("versioning", "copy", "copy-beside", "copy-versioned", "copy-suspended")
"""Ways back. `copy-beside`: into another bucket; `copy-versioned`: where the bucket has versions as well;
`copy-suspended`: where it had them once."""

_VERSIONING: dict[str, Versioning] = {
    "versioning": "Enabled",
    "copy-versioned": "Enabled",
    "copy-suspended": "Suspended",
}

DEER = b'{"Labels":[{"Name":"Deer","Confidence":97.5,"Parents":[]}],"LabelModelVersion":"3.0"}'
CAR = b'{"Labels":[{"Name":"Car","Confidence":99.5,"Parents":[]}],"LabelModelVersion":"3.0"}'
REFERENCES = [f"deer/r{number}.jpg" for number in (1, 2, 3)]
KEPT = ["deer/bad0.jpg.bak", "deer/good1.jpg", "deer/good2.jpg"]
BESIDE = ["deer", "deer.jpg", "other/bad0.jpg"]
ODD = {"simulator": ["deer/bad\x01.jpg", "deer/bad<\r\n>.jpg"], "ministack": ["deer/bad<\n>.jpg"]}
"""Keys that only some servers keep and list as they are."""

BAD = [f"deer/bad{number}.jpg" for number in range(4)] + ["deer/bad ü+&%41#.jpg"]
EXPIRES = dt.timedelta(days=3650)

_DRESSED: dict[str, Any] = {
    "ContentType": "image/jpeg",
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="deer.jpg"',
    "ContentLanguage": "de-AT",
    "Metadata": {"of": "web", "found-by": "crawler 7"},
    "Tagging": "kind=deer&sure=no%20idea",
}


@dataclass(frozen=True)
class Others:
    """What somebody else did in a bucket: the bytes last *written*, and the *markers* that deletes made, by key."""

    written: dict[str, bytes] = field(default_factory=dict)
    markers: dict[str, str] = field(default_factory=dict)

    @property
    def touched(self) -> set[str]:
        return self.written.keys() | self.markers.keys()


@dataclass(frozen=True)
class Bucket:
    """A bucket and the plan for it. *delete*: the planned deletes; *copies*: the other bucket that holds copies."""

    name: str
    mode: str
    copies: str
    delete: tuple[str, ...]
    plan: Path
    others: Others = field(default_factory=Others)

    @property
    def names(self) -> list[str]:
        return [self.name, *([self.copies] if self.copies else [])]


def fill(s3: S3Client, mode: str, odd: list[str]) -> tuple[str, str]:
    """Make a bucket with pictures, *odd* keys among them; return its name, and the other one's, if there is one."""
    name = f"faults-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    copies = f"{name}-copies" if mode == "copy-beside" else ""
    if copies:
        s3.create_bucket(Bucket=copies)
    if mode in {"versioning", "copy-versioned", "copy-suspended"}:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        _put(s3, name, BAD[1], b"an older one", Metadata={"of": "1999"})
        _put(s3, name, BAD[1], b"an old one", Tagging="age=old")
        _put(s3, name, BAD[2], b"deleted once")
        s3.delete_object(Bucket=name, Key=BAD[2])
        _put(s3, name, BAD[3], BAD[3].encode())  # the very same bytes twice
        _put(s3, name, KEPT[1], b"once worse")
        if mode == "copy-suspended":
            _put(s3, name, BAD[0], BAD[0].encode())  # with a version id of its own
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    dressed = {BAD[1], BAD[2], KEPT[0]}
    already = {BAD[0]} if mode == "copy-suspended" else set()
    for key in sorted({*REFERENCES, *KEPT, *BESIDE, *BAD, *odd} - already):
        _put(s3, name, key, key.encode(), **(_DRESSED if key in dressed else {}))
    return name, copies


def empty(s3: S3Client, bucket: str, prefix: str = "") -> None:
    """Remove every version and marker under a prefix."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        some: Any = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        for one in some:
            version = {"VersionId": one["VersionId"]} if one.get("VersionId", "null") != "null" else {}
            s3.delete_object(Bucket=bucket, Key=one["Key"], **version)


def _put(s3: S3Client, bucket: str, key: str, body: bytes, **options: Any) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=body, **options)


def make(target: Server, mode: str, endpoint: str, folder: Path, key: Path) -> Bucket:
    """Make a bucket, and a plan that deletes the bad pictures in it. *key*: the signing key's file."""
    name, copies = fill(target.s3, mode, target.odd)
    before = history(target.s3, name)
    delete = sorted([*BAD, *target.odd], key=str.encode)
    plan = folder / f"{name}.plan.json"
    _write_plan(plan, _header(name, mode, copies, endpoint, before), before, delete, key)
    return Bucket(name, mode, copies, tuple(delete), plan)


def _spec(name: str, mode: str, copies: str) -> dict[str, Any]:
    backup = {"mode": "versioning"} if mode == "versioning" else {"mode": "copy"}
    return {
        "version": 1,
        "bucket": name,
        "account": OWNER,
        "guards": {"max_delete_percent": 100, "min_keep": 0},
        "backup": backup | ({"bucket": copies, "prefix": "safe/"} if copies else {}),
        "labels": {"deer": {"prefix": "deer/", "references": REFERENCES}},
    }


def _header(name: str, mode: str, copies: str, endpoint: str, before: Mapping[str, list[Entry]]) -> Header:
    data = _spec(name, mode, copies)
    (rule,) = build_spec(data).rules
    answers = [(key, decode_response(DEER)) for key in REFERENCES]
    references = tuple(ReferenceRecord(f"etag:{before[key][0].etag}", key, UNSET, Raw(DEER)) for key in REFERENCES)
    created = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return Header(
        tool="labelplan 0",
        target=Target(endpoint, OWNER, "us-east-1", name, _VERSIONING.get(mode, "Disabled")),
        spec=Raw(json.dumps(data).encode()),
        spec_sha256="0" * 64,
        detector=DetectorRecord("rekognition", 50, 50.0, "3.0"),
        rules=(RuleHeader("deer", accepted_labels(rule, answers), references),),
        created=created,
        expires=created + EXPIRES,
        nonce=name,
    )


def _decision(key: str, latest: Entry, delete: list[str]) -> Decision:
    if key in REFERENCES:
        said: tuple[Any, ...] = ("keep", "reference", ())
    elif key in delete:
        said = ("delete", "no-evidence", (), UNSET, Raw(CAR))
    else:
        said = ("keep", "evidence", ("Deer",), UNSET, Raw(DEER))
    return Decision(key, latest.version_id, latest.etag, latest.size, "deer", *said)


def _write_plan(path: Path, header: Header, before: Mapping[str, list[Entry]], delete: list[str], key: Path) -> None:
    decisions = [
        _decision(name, entries[0], delete)
        for name, entries in sorted(before.items(), key=lambda pair: pair[0].encode())
        if name.startswith("deer/")
    ]
    counts = Counter(f"{one.action} {one.reason}" for one in decisions)
    with PlanWriter(path, header) as plan:
        for decision in decisions:
            plan.add(decision)
        summary = Summary((RuleSummary("deer", dict(sorted(counts.items())), (), ()),))
        plan.finish(summary, find_signer(str(key), {}), None)
