"""Find the reference images of every rule and have each of them labelled, all by one model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Raw

from labelplan.errors import AwsRefused, DetectorFailed, LabelplanError, SpecMismatch
from labelplan.flow.parallel import in_order
from labelplan.model.objects import LocalImage
from labelplan.model.plan import ReferenceRecord
from labelplan.model.response import NO_ACCESS, Answered
from labelplan.model.spec import is_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from labelplan.flow.answers import Answers
    from labelplan.model.objects import Image
    from labelplan.model.response import Response, Unreadable
    from labelplan.model.spec import LabelRule
    from labelplan.store.interface import Reader

NO_ACCESS_HINT = (
    "Rekognition reads S3 with your own identity: check s3:GetObject (s3:GetObjectVersion in a versioned bucket), "
    "kms:Decrypt for an encrypted one, and that Rekognition is called in the bucket's region."
)

LOOKS = 16
"""How many references are looked up at once."""

ROUNDS = 3
"""How often references are asked again for answers of one model."""


@dataclass(frozen=True)
class References:
    """All reference images with their answers, by the name that the spec gives them.

    *fresh*: whether one of the answers was given just now, so that *model_version* is what the service has today.
    """

    images: Mapping[str, Image]
    answers: Mapping[str, Answered]
    model_version: str
    fresh: bool

    def of(self, rule: LabelRule) -> list[tuple[str, Response]]:
        """Return the references of one rule, as the rules take them."""
        return [(name, self.answers[name].response) for name in rule.references]

    def records(self, rule: LabelRule) -> tuple[ReferenceRecord, ...]:
        """Return the references of one rule, as the plan's header takes them."""
        return tuple(_record(name, self.images[name], self.answers[name]) for name in rule.references)


def find_references(rules: Sequence[LabelRule], local: Mapping[str, LocalImage], reader: Reader) -> dict[str, Image]:
    """Look every reference up once; raises `SpecMismatch` naming all that are not there, before anything is paid."""
    names = dict.fromkeys(name for rule in rules for name in rule.references)

    def look(name: str) -> Image | None:
        return local.get(name) if is_file(name) else reader.head(name)

    found = dict(in_order(names, look, LOOKS))
    missing = [
        f"  labels.{rule.name}.references: there is no object {name}"
        for rule in rules
        for name in rule.references
        if found[name] is None
    ]
    if missing:
        raise SpecMismatch("References are missing:\n" + "\n".join(missing), hint="Correct their keys in the spec.")
    return {name: image for name, image in found.items() if image is not None}


def known_model(images: Mapping[str, Image], answers: Answers) -> str:
    """Return the model that answered for most references whose answers are kept; empty if none is."""
    found = answers.known([answers.content(image) for image in images.values()])
    versions = Counter(answer.response.LabelModelVersion for answer in found.values() if isinstance(answer, Answered))
    return max(versions, key=lambda version: (versions[version], version), default="")


def label_references(
    images: Mapping[str, Image], answers: Answers, model: str = "", tell: Callable[[int], None] = lambda _: None
) -> References:
    """Have the reference images labelled; each must have an answer, and all from one model.

    *model*: the `LabelModelVersion` that kept answers must have, empty for any. *tell* hears how many were answered
    just now. Raises `SpecMismatch`, `AwsRefused`, `AnswersPending`, `DetectorFailed`, and what the detector raises.
    """
    before = answers.traffic().calls
    for _ in range(ROUNDS):
        kept = answers.known([answers.content(image) for image in images.values()])
        labelled: dict[str, Answered] = {}
        now: set[str] = set()
        for name, answer in _label_all(images, answers, model):
            labelled[name] = answer
            if kept.get(answers.content(images[name])) != answer:
                now.add(answer.response.LabelModelVersion)
                tell(answers.traffic().calls - before)
        versions = {answer.response.LabelModelVersion for answer in labelled.values()}
        if len(versions) <= 1:
            fresh = answers.traffic().calls > before
            return References(images, labelled, versions.pop() if versions else "", fresh)
        model = now.pop() if len(now) == 1 else max(versions)  # what the service has today, old or new
    what = f"The references were answered by different models: {', '.join(sorted(versions))}."
    raise DetectorFailed(what, hint="The service is changing its model right now; plan again later.")


def _label_all(images: Mapping[str, Image], answers: Answers, model: str) -> Iterator[tuple[str, Answered]]:
    # the first one alone: should a permission be missing, nothing else is sent
    items = list(images.items())
    for some in (items[:1], items[1:]):
        concurrency = max(1, min(answers.detector.concurrency, len(some)))
        asking = in_order(some, lambda item: answers.wait(item[1], model), concurrency, answers.stop)
        for (name, _), answer in asking:
            if not isinstance(answer, Answered):
                raise _cannot_be_labelled(name, answer)
            yield name, answer


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
