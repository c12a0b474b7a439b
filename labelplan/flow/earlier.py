"""Take the answers of an earlier plan into the cache, so that whoever has the plan plans again without paying.

The plan must have been verified: its answers are believed like the service's own.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from labelplan.detect.content import content_of, kind_of
from labelplan.detect.interface import AT_AWS
from labelplan.errors import PlanCorrupt, UsageError
from labelplan.model.objects import S3Object
from labelplan.model.response import OF_CONTENT, strict_answer
from labelplan.specfile.build import build_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msgspec import Raw

    from labelplan.detect.cache import AnswerCache
    from labelplan.flow.plan import SpecSource
    from labelplan.model.objects import Image, Target
    from labelplan.model.plan import Decision, ReferenceRecord
    from labelplan.model.response import Answer
    from labelplan.model.spec import DetectorSettings
    from labelplan.planfile.reader import PlanFile
    from labelplan.store.interface import Reader

BATCH = 500
"""Answers looked up and kept at once."""


def take_answers(  # noqa: PLR0913, PLR0917 - both plans, and the three ports
    plan: PlanFile, source: SpecSource, target: Target, reader: Reader, identity: str, cache: AnswerCache
) -> int:
    """Keep those answers of a verified *plan* that are not kept yet, its references' too; return how many.

    *source*, *target* and *identity* (the detector's) are those of the plan that is to be made. Raises `UsageError` if
    the earlier one was asked differently, so that its answers would not be the same, and `PlanCorrupt` at an answer
    that two parsers could read differently.
    """
    settings = source.spec.detector
    converted = _asked_alike(plan, settings, target, identity)
    kind, taken = kind_of(identity, settings, converted=converted), 0
    given = chain(_references(plan, source, reader), _decisions(plan))
    while batch := dict(islice(given, BATCH)):
        there = cache.models(kind, list(batch))
        for content, answer in batch.items():
            if content not in there:
                cache.keep(kind, content, answer)
                taken += 1
    return taken


def _asked_alike(plan: PlanFile, settings: DetectorSettings, target: Target, identity: str) -> bool:
    """Tell whether the earlier plan's answers may be of converted images; raises `UsageError` if they are no use."""
    record, before = plan.header.detector, build_spec(msgspec.json.decode(plan.header.spec)).detector
    asked = (record.service, record.max_labels, record.min_confidence)
    if record.service == "local":
        raise UsageError(f"{plan.path}: the local detector's answers cost nothing; --from is for those that do.")
    if asked != (settings.service, settings.max_labels, settings.min_confidence) or (
        before.convert and not settings.convert
    ):
        what = f"max_labels {record.max_labels}, min_confidence {record.min_confidence:g}, convert {before.convert}"
        hint = "An answer to other settings would be another answer. Plan without --from, or with the same `detector`."
        raise UsageError(f"{plan.path} was asked with other detector settings than this spec's: {what}.", hint=hint)
    if plan.header.target.endpoint != target.endpoint:
        there = plan.header.target.endpoint or "AWS"
        raise UsageError(f"{plan.path} was made for another server ({there}); its answers are not those of this one.")
    answered_by = AT_AWS if record.identity is UNSET else record.identity
    if answered_by != identity:
        raise UsageError(f"{plan.path} was answered by {answered_by}, and this is {identity}: answers may differ.")
    return before.convert


def _decisions(plan: PlanFile) -> Iterator[tuple[bytes, Answer]]:
    for decision in plan.decisions():
        if decision.response is not UNSET:
            answer: Answer = _strict(decision.response, f"{plan.path}, the answer for {decision.key!r}")
            yield content_of(_object(decision), plan.header.target), answer
        elif decision.error is not UNSET and decision.error.code in OF_CONTENT:
            yield content_of(_object(decision), plan.header.target), decision.error


def _references(plan: PlanFile, source: SpecSource, reader: Reader) -> Iterator[tuple[bytes, Answer]]:
    """Yield the answers for references that still are the images that were labelled then."""
    names = {name for rule in source.spec.rules for name in rule.references}
    records = {_name(record): record for rule in plan.header.rules for record in rule.references}
    for name in sorted(names & records.keys()):
        record = records[name]
        image: Image | None = source.local_references.get(name) if record.key is UNSET else reader.head(name)
        if image is not None and record.identity == _identity(image):
            yield content_of(image, plan.header.target), _strict(record.response, f"{plan.path}, the reference {name}")


def _name(record: ReferenceRecord) -> str:
    return str(record.file if record.key is UNSET else record.key)


def _identity(image: Image) -> str:
    return f"etag:{image.etag}" if isinstance(image, S3Object) else f"sha256:{image.sha256}"


def _object(decision: Decision) -> S3Object:
    return S3Object(decision.key, decision.version_id, decision.etag, decision.size)


def _strict(answer: Raw, where: str) -> Answer:
    try:
        return strict_answer(bytes(answer))
    except ValueError as error:
        raise PlanCorrupt(f"{where}: {error}.") from None
