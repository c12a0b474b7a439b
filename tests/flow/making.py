"""A bucket and a detector in memory, and specs that fit them; for the flows that read.

The bucket lists in key order and never changes. The detector answers from a table and lists what it was asked.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelplan.detect.cache import open_cache
from labelplan.detect.interface import Traffic
from labelplan.flow.plan import Planned, SpecSource, make_plan
from labelplan.model.objects import LocalImage, S3Object, Target, Versioning
from labelplan.model.protection import Protection
from labelplan.model.response import Answer, Unreadable, strict_answer
from labelplan.specfile.build import build_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from labelplan.flow.observe import Estimate, Labelling
    from labelplan.model.objects import Image
    from labelplan.planfile.keys import Signer

Given = Answer | Exception

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
        self.endpoint = "http://127.0.0.1:1"
        self._versioning: Versioning = versioning
        self.protected = Protection((), mfa_delete=False, replicates=False, may_remove_markers=True, acls=False)

    def target(self) -> Target:
        return Target(self.endpoint, "123456789012", "us-east-1", "wild", self._versioning)

    def versioning(self) -> Versioning:
        return self._versioning

    def protection(self) -> Protection:
        return self.protected

    def list_current(self, prefix: str) -> Iterator[S3Object]:
        return (self.objects[key] for key in sorted(self.objects) if key.startswith(prefix))

    def list_pages(self, prefixes: Sequence[str]) -> Iterator[tuple[int, list[S3Object]]]:
        for position, prefix in enumerate(prefixes):
            objects = list(self.list_current(prefix))
            for start in range(0, len(objects), 2):
                yield position, objects[start : start + 2]

    def head(self, key: str) -> S3Object | None:
        return self.objects.get(key)

    def first_bytes(self, image: S3Object, count: int) -> bytes | None:
        raise NotImplementedError

    def fetch(self, image: S3Object, limit: int) -> bytes | None:
        raise NotImplementedError


class Table:
    """A `Detector` that answers by key; a list of answers is used up one by one, an exception is raised."""

    identity = "table"
    concurrency = 3
    tps: float | None = None
    tps_from = ""

    def __init__(self, answers: Mapping[str, Given | list[Given]], *, paid: bool = True) -> None:
        self.paid = paid
        self.asked: list[str] = []
        self.stopped = False
        self.answers = dict(answers)

    def detect(self, image: Image) -> Answer:
        key = image.name if isinstance(image, LocalImage) else image.key
        self.asked.append(key)
        found = self.answers.get(key, Unreadable("invalid-image", "no picture"))
        if isinstance(found, list):
            found = found.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def check(self) -> None:
        """All is well."""

    def traffic(self) -> Traffic:
        return Traffic(calls=len(self.asked))

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        """Nothing to let go of."""


class Ears:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.estimates: list[Estimate] = []
        self.states: list[Labelling] = []
        self.objects = 0
        self.done: list[tuple[int, int]] = []

    def listed(self, objects: int) -> None:
        self.objects = objects

    def estimated(self, estimate: Estimate) -> None:
        self.estimates.append(estimate)

    def labelling(self, state: Labelling) -> None:
        self.states.append(state)

    def writing(self, done: int, total: int) -> None:
        self.done.append((done, total))


def source(local: Mapping[str, LocalImage] | None = None, /, **changes: Any) -> SpecSource:
    data: dict[str, Any] = {
        "version": 1,
        "bucket": "wild",
        "labels": {"deer": {"prefix": "deer/", "references": ["deer/r1.jpg", "deer/r2.jpg", "deer/r3.jpg"]}},
    } | changes
    return SpecSource(build_spec(data), data, "0" * 64, local or {})


def run_plan(path: Path, signer: Signer, given: SpecSource, bucket: Bucket, detector: Table, **other: Any) -> Planned:
    """Make a plan; *cache*: a file of answers, a new one beside the plan unless given."""
    options: dict[str, Any] = {"now": NOW, "observer": Ears(), "signers_sha256": None} | other
    with tempfile.TemporaryDirectory() as folder:
        cache = options.pop("cache", None) or Path(folder) / "answers.sqlite"
        with open_cache(cache) as kept:
            return make_plan(given, bucket.target(), bucket, detector, kept, signer, path, **options)


REFERENCES = {f"deer/r{n}.jpg": answer(Deer=99, Animal=98) for n in (1, 2, 3)}
BUCKET = Bucket("deer/a.jpg", "deer/b.jpg", *REFERENCES, empty=("deer/",))
ANSWERS = {**REFERENCES, "deer/a.jpg": answer(Deer=95), "deer/b.jpg": answer(Car=99)}


def decisions(path: Path) -> dict[str, tuple[str, str]]:
    return {d["key"]: (d["action"], d["reason"]) for d in json.loads(path.read_text())["decisions"]}
