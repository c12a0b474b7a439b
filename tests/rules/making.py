"""Small builders for spec, answers and objects; the rules' tests speak through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.model.objects import S3Object
from labelplan.model.response import Answered, Label, Named, Response
from labelplan.model.spec import GradedLabel, Guards, LabelRule
from labelplan.rules.accept import accepted_labels
from labelplan.rules.decide import Judge

if TYPE_CHECKING:
    from collections.abc import Sequence


def label(name: str, confidence: float, parents: Sequence[str] = (), aliases: Sequence[str] = ()) -> Label:
    return Label(name, confidence, tuple(map(Named, parents)), tuple(map(Named, aliases)))


def response(*labels: Label, version: str = "3.0") -> Response:
    return Response(tuple(sorted(labels, key=lambda one: -one.Confidence)), version)


def plain(**confidences: float) -> Response:
    return response(*(label(name, confidence) for name, confidence in confidences.items()))


def answered(answer: Response) -> Answered:
    return Answered(b"{}", answer)


def graded(*labels: str, above: float = 85) -> tuple[GradedLabel, ...]:
    return tuple(GradedLabel(name, above) for name in labels)


def rule(**changes: Any) -> LabelRule:
    values: dict[str, Any] = {
        "name": "deer",
        "prefix": "deer/",
        "references": ("deer/r1.jpg", "deer/r2.jpg", "deer/r3.jpg"),
        "threshold": 85,
        "evidence": "any",
        "accept": (),
        "ignore": (),
        "exclude": (),
        "keep": (),
        "delete": (),
        "guards": Guards(),
    }
    return LabelRule(**(values | changes))


def item(key: str = "deer/1.jpg", etag: str = "e1", size: int = 10) -> S3Object:
    return S3Object(key, "v1", etag, size)


def judge(
    one: LabelRule, *references: Response, protect: Sequence[str] = (), max_labels: int = 50, others: Sequence[str] = ()
) -> Judge:
    accepted = accepted_labels(one, list(zip(one.references, references, strict=False)))
    return Judge(one, accepted, tuple(protect), frozenset([*one.references, *others]), max_labels)
