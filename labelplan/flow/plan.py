"""`plan`: list, label, decide, write. Joins reader, cache, detector, rules and plan file; changes no bucket."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import msgspec
from msgspec import UNSET, Raw

from labelplan import __version__
from labelplan.detect.interface import AT_AWS
from labelplan.detect.rate import Rate
from labelplan.errors import BudgetExceeded, DetectorFailed, SpecMismatch
from labelplan.flow.answers import Answers
from labelplan.flow.decisions import AT_ONCE, decide_all, missing_answers
from labelplan.flow.observe import Estimate, Labelling
from labelplan.flow.pay import pay
from labelplan.flow.references import ROUNDS, References, find_references, known_model, label_references
from labelplan.flow.scope import EVERYTHING, Scope
from labelplan.flow.survey import survey
from labelplan.model.plan import DetectorRecord, Header, RuleHeader, RuleSummary, Summary, Warn
from labelplan.planfile.writer import PlanWriter
from labelplan.rules.accept import accepted_labels
from labelplan.rules.advice import label_advice, missed_advice, name_advice, reference_advice
from labelplan.rules.decide import Judge
from labelplan.rules.guards import breaches
from labelplan.rules.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from labelplan.detect.cache import AnswerCache
    from labelplan.detect.interface import Detector
    from labelplan.detect.wanted import Wanted
    from labelplan.flow.observe import Observer
    from labelplan.model.objects import Image, LocalImage, Target
    from labelplan.model.plan import AcceptedLabel, Statement
    from labelplan.model.spec import Spec
    from labelplan.planfile.keys import Signer
    from labelplan.store.interface import Reader
    from labelplan.store.spool import Spool

EXPIRES_AFTER = dt.timedelta(days=7)


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
    cache: AnswerCache,
    signer: Signer,
    path: Path,
    *,
    now: dt.datetime,
    observer: Observer,
    signers_sha256: str | None,
    scope: Scope = EVERYTHING,
) -> Planned:
    """Plan a spec and write the signed plan to *path*; whatever goes wrong, *path* is left as it was.

    *target*: what `reader.target()` said. *signers_sha256*: digest of the signers file that governs here, or None.
    *scope*: the part of the spec that is planned; a plan of a part never applies. What is paid for is in *cache*
    whatever happens next.
    """
    signer.unlock()
    answers = Answers(cache, detector, source.spec.detector, target, reader)
    with _survey(source, reader, observer, scope) as looked:
        references, wanted = _label(looked, answers, observer)
        with wanted:
            judges = [replace(judge, accepted=_accepted(judge, references)) for judge in looked.judges]
            header = _header(source, target, judges, references, now, scope, detector.identity)
            tally = Tally(judges)
            for answer in references.answers.values():
                tally.saw(answer.response)
            with PlanWriter(path, header) as writer:
                model = references.model_version if references.answers else None
                decided = decide_all(judges, looked.spool, answers, wanted, model, tally)
                objects = looked.objects
                for done, decision in enumerate(decided, 1):
                    writer.add(decision)
                    if done % AT_ONCE == 0 or done == objects:
                        observer.writing(done, objects)
                summary = _summary(judges, references, tally)
                statement = writer.finish(summary, signer, signers_sha256)
    return Planned(header, summary, statement)


def estimate_plan(  # noqa: PLR0913 - as above
    source: SpecSource,
    target: Target,
    reader: Reader,
    detector: Detector,
    cache: AnswerCache,
    *,
    observer: Observer,
    scope: Scope = EVERYTHING,
) -> Estimate:
    """Look at all that a plan would look at, and say what it would take; pays nothing, writes nothing."""
    answers = Answers(cache, detector, source.spec.detector, target, reader)
    with _survey(source, reader, observer, scope) as looked:
        work = looked.still_to_ask(answers, known_model(looked.images, answers))
        with work.wanted:
            return work.estimate


@dataclass(frozen=True)
class _Looked:
    """What stands before the first call: the rules' judges in the order of the listing, references, all objects."""

    spec: Spec
    judges: Sequence[Judge]
    images: Mapping[str, Image]
    spool: Spool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.spool.close()

    @property
    def objects(self) -> int:
        return sum(self.spool.count(position) for position in range(len(self.judges)))

    def still_to_ask(self, answers: Answers, model: str) -> _Work:
        """Find out what has no answer of *model* yet, and so what it will take."""
        contents = {answers.content(image) for image in self.images.values()}
        references = answers.missing(list(contents), model)
        wanted, cached = missing_answers(self.judges, self.spool, answers, model, references)
        detector = answers.detector
        estimate = Estimate(
            objects=self.objects,
            calls=len(wanted) + len(references),
            cached=cached + len(contents) - len(references),
            paid=detector.paid,
            tps=detector.tps,
            tps_from=detector.tps_from,
            seconds=None if detector.tps is None else Rate(detector.tps).takes(len(wanted) + len(references)),
            converts=self.spec.detector.convert,
        )
        return _Work(wanted, len(references), estimate)


@dataclass(frozen=True)
class _Work:
    """What is still to be asked: *wanted* objects and so many *references*, and what that takes."""

    wanted: Wanted
    references: int
    estimate: Estimate


def _survey(source: SpecSource, reader: Reader, observer: Observer, scope: Scope) -> _Looked:
    rules = scope.chosen(source.spec)
    images = find_references(rules, source.local_references, reader)
    # in the order of the listing: by prefix, in UTF-8 byte order; prefixes never overlap
    keys = frozenset(name for rule in source.spec.rules for name in rule.references)
    most = source.spec.detector.max_labels
    judges = [
        Judge(rule, (), source.spec.protect, keys, most)
        for rule in sorted(rules, key=lambda rule: rule.prefix.encode())
    ]
    spool = survey(judges, reader, observer, whole=not scope.rules)
    if scope.sample is not None:
        with spool:
            spool = spool.pick(scope.sample)
    return _Looked(source.spec, judges, images, spool)


def _label(looked: _Looked, answers: Answers, observer: Observer) -> tuple[References, Wanted]:
    """Have all labelled, references first; what is wanted anew if the service turns out to have another model."""
    model, expected, settled, labelled = known_model(looked.images, answers), -1, False, 0
    for _ in range(2 * ROUNDS):
        work = looked.still_to_ask(answers, model)
        total = labelled + work.estimate.calls
        try:
            if total > expected:  # at first, and when a new model makes it more
                expected = total
                _check_budget(looked.spec, work.estimate, answers.traffic().calls)
                observer.estimated(work.estimate)

            def tell(calls: int, before: int = labelled, total: int = total) -> None:
                observer.labelling(Labelling(min(before + calls, total), total, 0, answers.traffic()))

            references = label_references(looked.images, answers, model, tell)
            labelled += work.references
            settled = settled or references.fresh  # after that, another model is single answers' own affair
            moved = references.model_version if references.model_version != model else ""
            if not moved:
                moved = pay(work.wanted, answers, model, observer, settled=settled, before=labelled)
        except BaseException:
            work.wanted.close()
            raise
        if not moved:
            return references, work.wanted
        work.wanted.close()
        model = moved
    raise DetectorFailed("The service changes its model again and again.", hint="Plan again later.")


def _check_budget(spec: Spec, estimate: Estimate, spent: int) -> None:
    if estimate.paid and spec.max_calls is not None and spent + estimate.calls > spec.max_calls:
        more = f"{spent:,} and " if spent else ""
        paid = f"The answers of the {spent:,} calls are kept." if spent else "Nothing was paid."
        raise BudgetExceeded(
            f"The plan needs {more}{estimate.calls:,} DetectLabels calls, the budget is {spec.max_calls:,}.",
            hint=f"{paid} Raise the budget (budget in the spec, --max-calls, --max-usd), or try a part: --sample, "
            "--rule.",
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


def _header(  # noqa: PLR0913, PLR0917 - a header's parts, each once
    source: SpecSource,
    target: Target,
    judges: Sequence[Judge],
    references: References,
    now: dt.datetime,
    scope: Scope,
    identity: str,
) -> Header:
    settings = source.spec.detector
    created = now.astimezone(dt.UTC).replace(microsecond=0)
    return Header(
        tool=f"labelplan/{__version__}",
        target=target,
        spec=Raw(msgspec.json.encode(source.data)),
        spec_sha256=source.sha256,
        detector=DetectorRecord(
            settings.service,
            settings.max_labels,
            settings.min_confidence,
            references.model_version,
            UNSET if settings.service == "local" or identity == AT_AWS else identity,
        ),
        rules=tuple(RuleHeader(j.rule.name, j.accepted, references.records(j.rule)) for j in judges),
        created=created,
        expires=created + EXPIRES_AFTER,
        nonce=secrets.token_hex(16),
        partial=scope.partial,
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
