"""A bucket and a detector in memory, and specs that fit them; for the flows that read.

The bucket lists in key order and never changes. The detector answers from a table and lists what it was asked.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from labelplan.flow.plan import Planned, SpecSource, make_plan
from labelplan.model.objects import LocalImage, S3Object, Target, Versioning
from labelplan.model.response import Unreadable, strict_answer
from labelplan.specfile.build import build_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from labelplan.flow.survey import Survey
    from labelplan.model.objects import Image
    from labelplan.model.response import Answer
    from labelplan.planfile.keys import Signer

NOW = dt.datetime(2026, 11, 22, 14, 5, 7, 999, tzinfo=dt.UTC)


def answer(version: str = "3.0", **confidences: float) -> Answer:
    ordered = sorted(confidences.items(), key=lambda pair: -pair[1])
    labels = [{"Name": name, "Confidence": confidence, "Parents": []} for name, confidence in ordered]
    return strict_answer(json.dumps({"Labels": labels, "LabelModelVersion": version}).encode())


class Bucket:
    """A `Reader` of objects that all hold *size* bytes unless said otherwise."""

    def __init__(self, *keys: str, empty: tuple[str, ...] = (), versioning: Versioning = "Enabled") -> None:
        self.objects = {key: S3Object(key, f"v-{key}", f"e-{key}", 0 if key in empty else 10) for key in keys}
        self.objects |= {key: S3Object(key, f"v-{key}", f"e-{key}", 0) for key in empty}
        self._versioning: Versioning = versioning

    def target(self) -> Target:
        return Target("http://127.0.0.1:1", "123456789012", "us-east-1", "wild", self._versioning)

    def versioning(self) -> Versioning:
        return self._versioning

    def list_current(self, prefix: str) -> Iterator[S3Object]:
        return (self.objects[key] for key in sorted(self.objects) if key.startswith(prefix))

    def head(self, key: str) -> S3Object | None:
        return self.objects.get(key)

    def fetch(self, image: S3Object, limit: int) -> bytes | None:
        raise NotImplementedError


class Table:
    """A `Detector` that answers by key; a list of answers is used up one by one."""

    concurrency = 3

    def __init__(self, answers: Mapping[str, Answer | list[Answer]], *, paid: bool = True) -> None:
        self.paid = paid
        self.asked: list[str] = []
        self._answers = dict(answers)

    def detect(self, image: Image) -> Answer:
        key = image.name if isinstance(image, LocalImage) else image.key
        self.asked.append(key)
        found = self._answers.get(key, Unreadable("invalid-image", "no picture"))
        return found.pop(0) if isinstance(found, list) else found

    def close(self) -> None:
        """Nothing to let go of."""


class Ears:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.objects = 0
        self.done: list[tuple[int, int]] = []

    def surveyed(self, found: Survey, calls: int) -> None:
        self.calls.append(calls)
        self.objects = found.objects

    def labelled(self, done: int, total: int) -> None:
        self.done.append((done, total))


def source(local: Mapping[str, LocalImage] | None = None, /, **changes: Any) -> SpecSource:
    data: dict[str, Any] = {
        "version": 1,
        "bucket": "wild",
        "labels": {"deer": {"prefix": "deer/", "references": ["deer/r1.jpg", "deer/r2.jpg", "deer/r3.jpg"]}},
    } | changes
    return SpecSource(build_spec(data), data, "0" * 64, local or {})


def run_plan(path: Path, signer: Signer, given: SpecSource, bucket: Bucket, detector: Table, **other: Any) -> Planned:
    options: dict[str, Any] = {"now": NOW, "observer": Ears(), "signers_sha256": None} | other
    return make_plan(given, bucket.target(), bucket, detector, signer, path, **options)
