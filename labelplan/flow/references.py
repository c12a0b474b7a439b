"""Find the reference images of every rule and label each of them once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Raw

from labelplan.errors import AwsRefused, DetectorFailed, LabelplanError, SpecMismatch
from labelplan.flow.label import in_order
from labelplan.model.objects import LocalImage
from labelplan.model.plan import ReferenceRecord
from labelplan.model.response import Answered, Unreadable
from labelplan.model.spec import is_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelplan.detect.interface import Detector
    from labelplan.model.objects import Image
    from labelplan.model.response import Response
    from labelplan.model.spec import LabelRule, Spec
    from labelplan.store.interface import Reader

NO_ACCESS = "InvalidS3ObjectException"
"""Rekognition's one code for a missing key, another region, and no permission on the object or its KMS key."""
NO_ACCESS_HINT = (
    "Rekognition reads S3 with your own identity: check s3:GetObject (s3:GetObjectVersion in a versioned bucket), "
    "kms:Decrypt for an encrypted one, and that Rekognition is called in the bucket's region."
)


@dataclass(frozen=True)
class References:
    """All reference images with their answers, by the name that the spec gives them."""

    images: Mapping[str, Image]
    answers: Mapping[str, Answered]
    model_version: str

    def of(self, rule: LabelRule) -> list[tuple[str, Response]]:
        """Return the references of one rule, as the rules take them."""
        return [(name, self.answers[name].response) for name in rule.references]

    def records(self, rule: LabelRule) -> tuple[ReferenceRecord, ...]:
        """Return the references of one rule, as the plan's header takes them."""
        return tuple(_record(name, self.images[name], self.answers[name]) for name in rule.references)


def find_references(spec: Spec, local: Mapping[str, LocalImage], reader: Reader) -> dict[str, Image]:
    """Look every reference up once; raises `SpecMismatch` naming all that are not there, before anything is paid."""
    found: dict[str, Image] = {}
    missing: list[str] = []
    for rule in spec.rules:
        for name in rule.references:
            image = found.get(name) or (local.get(name) if is_file(name) else reader.head(name))
            if image is None:
                missing.append(f"  labels.{rule.name}.references: there is no object {name} in {spec.bucket}")
            else:
                found[name] = image
    if missing:
        raise SpecMismatch("References are missing:\n" + "\n".join(missing), hint="Correct their keys in the spec.")
    return found


def label_references(images: Mapping[str, Image], detector: Detector) -> References:
    """Label the reference images; each must have an answer, and all from one model."""
    answers: dict[str, Answered] = {}
    for (name, _), answer in in_order(images.items(), lambda item: detector.detect(item[1]), detector.concurrency):
        if isinstance(answer, Unreadable):
            raise _cannot_be_labelled(name, answer)
        answers[name] = answer
    versions = sorted({answer.response.LabelModelVersion for answer in answers.values()})
    if len(versions) > 1:
        what = f"The references were answered by different models: {', '.join(versions)}."
        raise DetectorFailed(what, hint="The service is changing its model right now; plan again later.")
    return References(images, answers, versions[0] if versions else "")


def _cannot_be_labelled(name: str, answer: Unreadable) -> LabelplanError:
    if answer.code == NO_ACCESS:
        return AwsRefused(
            f"Rekognition cannot read the reference {name}: {answer.message}",
            hint=NO_ACCESS_HINT,
        )
    return SpecMismatch(
        f"The reference {name} cannot be labelled: {answer.code}: {answer.message}",
        hint="Name another picture of the subject in the spec.",
    )


def _record(name: str, image: Image, answer: Answered) -> ReferenceRecord:
    if isinstance(image, LocalImage):
        return ReferenceRecord(f"sha256:{image.sha256}", file=name, response=Raw(answer.raw))
    return ReferenceRecord(f"etag:{image.etag}", key=name, response=Raw(answer.raw))
