"""The spec as the rules use it: every default resolved. How the text becomes this is `specfile`'s business."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Evidence = Literal["any", "specific"]
Service = Literal["rekognition", "local"]


NEVER = 100.0
"""The threshold of an ignored label that has none of its own, in percent: no confidence exceeds it."""


NO_QUOTA = "no quota known"
"""Where a detector's calls a second come from when nobody could tell the account's quota."""


class GradedLabel(Struct, frozen=True):
    """A label name with the confidence (percent 0-100) that it must exceed, strictly."""

    label: str
    threshold: float


class Pin(Struct, frozen=True):
    """A reviewer's word that one object is to be deleted: *etag* (without quotes) names the content he saw."""

    key: str
    etag: str


class Guards(Struct, frozen=True):
    """What a label rule may delete at most.

    *max_delete_percent* counts from 10 objects on; *min_keep* counts `evidence` keeps only.
    """

    max_delete_percent: float = 30
    max_delete_count: int = 100_000
    min_keep: int = 1


class DetectorSettings(Struct, frozen=True):
    """What the detector is asked: at most *max_labels* labels of at least *min_confidence* percent.

    *convert*: whether what Rekognition cannot read is re-encoded and sent. *tps*: calls a second that may be made at
    most; None: what the account's quota says.
    """

    service: Service
    max_labels: int
    min_confidence: float
    convert: bool = False
    tps: float | None = None


class LabelRule(Struct, frozen=True):
    """One entry under `labels:`, with the spec's defaults filled in.

    *references* are keys of the bucket, or local files when they start with `./`, `../` or `/`. A label in *ignore*
    proves nothing at or below its threshold (100 unless given: never).
    """

    name: str
    prefix: str
    references: tuple[str, ...]
    threshold: float
    evidence: Evidence
    accept: tuple[GradedLabel, ...]
    ignore: tuple[GradedLabel, ...]
    exclude: tuple[GradedLabel, ...]
    keep: tuple[str, ...]
    delete: tuple[Pin, ...]
    guards: Guards


class Backup(Struct, frozen=True):
    """The way back. `versioning`: the bucket's own versions. `copy`: a copy of each object, made before its delete.

    For `copy`: *bucket* holds the copies under *prefix* (None: the spec's own bucket); *region* and *account* are that
    bucket's (None: as the spec's own). *keep_days*: for so long a way back must last, or nothing is deleted; 0: any
    time will do.
    """

    mode: Literal["versioning", "copy"] = "versioning"
    bucket: str | None = None
    prefix: str = ".labelplan/backup/"
    region: str | None = None
    account: str | None = None
    keep_days: int = 30


class Spec(Struct, frozen=True):
    """A whole spec. *rules* are in the order of the file; *account*, *region*: None when left to AWS's configuration.

    *max_calls* is the budget of paid DetectLabels attempts; None: no limit. *requester_pays*: the caller pays for what
    he reads from the bucket, and says so with every request.
    """

    bucket: str
    account: str | None
    region: str | None
    detector: DetectorSettings
    rules: tuple[LabelRule, ...]
    protect: tuple[str, ...]
    max_calls: int | None
    requester_pays: bool = False
    backup: Backup = Backup()


def is_file(reference: str) -> bool:
    """Tell whether a reference names a local file (`./refs/deer.jpg`) rather than a key of the bucket."""
    return reference.startswith(("./", "../", "/"))
