"""`plan`: list, label, decide, write. Joins reader, detector, rules and plan file; changes no bucket."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import UNSET, Raw

from labelplan import __version__
from labelplan.errors import AwsRefused, BudgetExceeded, SpecMismatch
from labelplan.flow.label import ask_same_model, in_order
from labelplan.flow.references import NO_ACCESS, NO_ACCESS_HINT, References, find_references, label_references
from labelplan.flow.survey import Survey, survey
from labelplan.model.plan import Decision, DetectorRecord, Header, RuleHeader, RuleSummary, Summary, Warn
from labelplan.model.response import Answered, Unreadable
from labelplan.planfile.writer import PlanWriter
from labelplan.rules.accept import accepted_labels
from labelplan.rules.advice import label_advice, missed_advice, name_advice, reference_advice
from labelplan.rules.decide import EMPTY, Judge
from labelplan.rules.guards import breaches
from labelplan.rules.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from labelplan.detect.interface import Detector
    from labelplan.model.objects import LocalImage, S3Object, Target
    from labelplan.model.plan import AcceptedLabel, Statement
    from labelplan.model.response import Answer
    from labelplan.model.spec import Spec
    from labelplan.planfile.keys import Signer
    from labelplan.rules.decide import Verdict
    from labelplan.store.interface import Reader

EXPIRES_AFTER = dt.timedelta(days=7)


class Observer(Protocol):
    """Who wants to know how a plan gets on."""

    def surveyed(self, found: Survey, calls: int) -> None:
        """Hear, before the first call, how many objects there are and how many *calls* will be made."""

    def labelled(self, done: int, total: int) -> None:
        """Hear that *done* of *total* objects have been decided."""


@dataclass(frozen=True)
class SpecSource:
    """The spec with what the plan's header needs of its file."""

    spec: Spec
    data: Mapping[str, object]
    sha256: str
    local_references: Mapping[str, LocalImage]


@dataclass(frozen=True)
class Planned:
    """A plan that was written: the same header, summary and statement as in the file."""

    header: Header
    summary: Summary
    statement: Statement


def make_plan(  # noqa: PLR0913, PLR0917 - the ports, each once
    source: SpecSource,
    target: Target,
    reader: Reader,
    detector: Detector,
    signer: Signer,
    path: Path,
    *,
    now: dt.datetime,
    observer: Observer,
    signers_sha256: str | None,
) -> Planned:
    """Plan a whole spec and write the signed plan to *path*; whatever goes wrong, *path* is left as it was.

    *target*: what `reader.target()` said. *signers_sha256*: digest of the signers file that governs here, or None.
    """
    spec = source.spec
    signer.unlock()
    images = find_references(spec, source.local_references, reader)
    judges = _judges(spec)
    found = survey(spec, judges, reader)
    _check_budget(spec, detector, calls=found.to_label + len(images))
    observer.surveyed(found, found.to_label + len(images))
    references = label_references(images, detector)
    judges = [replace(judge, accepted=_accepted(judge, references)) for judge in judges]
    header = _header(source, target, judges, references, now)
    tally = Tally(judges)
    for answer in references.answers.values():
        tally.saw(answer.response)
    with PlanWriter(path, header) as writer:
        decided = _decide_all(judges, reader, detector, references.model_version, tally)
        for done, decision in enumerate(decided, 1):
            writer.add(decision)
            observer.labelled(done, found.objects)
        summary = _summary(judges, references, tally)
        statement = writer.finish(summary, signer, signers_sha256)
    return Planned(header, summary, statement)


def _judges(spec: Spec) -> list[Judge]:
    """Make the rules' judges in the order of the listing: by prefix, in UTF-8 byte order; prefixes never overlap."""
    references = frozenset(name for rule in spec.rules for name in rule.references)
    rules = sorted(spec.rules, key=lambda rule: rule.prefix.encode())
    return [Judge(rule, (), spec.protect, references, spec.detector.max_labels) for rule in rules]


def _check_budget(spec: Spec, detector: Detector, calls: int) -> None:
    if detector.paid and spec.max_calls is not None and calls > spec.max_calls:
        raise BudgetExceeded(
            f"The plan needs {calls:,} DetectLabels calls, the spec's budget is {spec.max_calls:,}.",
            hint=f"Nothing was paid. Write into the spec: budget: {{max_calls: {calls}}}",
        )


def _accepted(judge: Judge, references: References) -> tuple[AcceptedLabel, ...]:
    rule = judge.rule
    accepted = accepted_labels(rule, references.of(rule))
    if not accepted:
        raise SpecMismatch(
            f"labels.{rule.name}: no label is accepted, so everything under {rule.prefix} would be deleted.",
            hint=f"Take other references, lower the threshold ({rule.threshold:g}), or write: accept: [...]",
        )
    return accepted


def _header(
    source: SpecSource, target: Target, judges: Sequence[Judge], references: References, now: dt.datetime
) -> Header:
    settings = source.spec.detector
    created = now.astimezone(dt.UTC).replace(microsecond=0)
    return Header(
        tool=f"labelplan/{__version__}",
        target=target,
        spec=Raw(msgspec.json.encode(source.data)),
        spec_sha256=source.sha256,
        detector=DetectorRecord(
            settings.service, settings.max_labels, settings.min_confidence, references.model_version
        ),
        rules=tuple(RuleHeader(j.rule.name, j.accepted, references.records(j.rule)) for j in judges),
        created=created,
        expires=created + EXPIRES_AFTER,
        nonce=secrets.token_hex(16),
    )


def _decide_all(
    judges: Sequence[Judge], reader: Reader, detector: Detector, model_version: str, tally: Tally
) -> Iterator[Decision]:
    """Yield every object's decision in the order of the keys."""

    def decide(placed: tuple[int, S3Object]) -> tuple[Verdict, Answer | None]:
        position, item = placed
        judge = judges[position]
        if verdict := judge.without_answer(item):
            return verdict, None
        answer = ask_same_model(detector, item, model_version) if item.size else EMPTY
        return judge.with_answer(answer), answer

    listed = ((at, item) for at, judge in enumerate(judges) for item in reader.list_current(judge.rule.prefix))
    for (position, item), (verdict, answer) in in_order(listed, decide, detector.concurrency):
        tally.add(position, verdict, answer)
        yield _decision(judges[position], item, verdict, answer)
    if tally.errors[NO_ACCESS] and not tally.labelled:
        raise AwsRefused("Rekognition could read none of the objects.", hint=NO_ACCESS_HINT)


def _decision(judge: Judge, item: S3Object, verdict: Verdict, answer: Answer | None) -> Decision:
    return Decision(
        key=item.key,
        version_id=item.version_id,
        etag=item.etag,
        size=item.size,
        rule=judge.rule.name,
        action=verdict.action,
        reason=verdict.reason,
        labels=verdict.labels,
        error=answer if isinstance(answer, Unreadable) else UNSET,
        response=Raw(answer.raw) if isinstance(answer, Answered) else UNSET,
    )


def _summary(judges: Sequence[Judge], references: References, tally: Tally) -> Summary:
    """Sum up; a warning that holds for several rules word for word, such as of a shared list, is given once."""
    told: set[str] = set()
    rules = []
    for position, judge in enumerate(judges):
        warnings = [warn for warn in _warnings(position, judge, references, tally) if warn.message not in told]
        told.update(warn.message for warn in warnings)
        counts = {f"{action} {reason}": n for (action, reason), n in sorted(tally.counts[position].items())}
        rules.append(RuleSummary(judge.rule.name, counts, tally.shares(position), tuple(warnings)))
    return Summary(tuple(rules))


def _warnings(position: int, judge: Judge, references: References, tally: Tally) -> Iterator[Warn]:
    rule, mine = judge.rule, references.of(judge.rule)
    yield from breaches(rule.name, rule.guards, tally.counts[position])
    yield from label_advice(judge, tally, position, mine)
    yield from missed_advice(rule, tally, position)
    yield from reference_advice(rule, mine, judge.max_labels)
    yield from name_advice(judge, tally.seen)
