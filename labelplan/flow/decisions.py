"""From listed objects and kept answers to decisions, page by page, in the order of the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Raw

from labelplan.detect.wanted import Wanted
from labelplan.errors import AnswersPending, AwsRefused
from labelplan.flow.references import NO_ACCESS_HINT
from labelplan.model.plan import Decision
from labelplan.model.response import NO_ACCESS, Answered, Unreadable
from labelplan.rules.decide import EMPTY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from labelplan.flow.answers import Answers
    from labelplan.model.objects import S3Object
    from labelplan.model.response import Answer
    from labelplan.rules.decide import Judge, Verdict
    from labelplan.rules.tally import Tally
    from labelplan.store.spool import Spool

AT_ONCE = 64
"""Objects decided at once: their answers stay in the processor's cache, which is half the time of a page's."""


def missing_answers(
    judges: Sequence[Judge], spool: Spool, answers: Answers, model: str, references: Collection[bytes]
) -> tuple[Wanted, int]:
    """Return what has to be asked about, and how many objects have their answer already.

    *model*: the `LabelModelVersion` that counts, empty for any. *references*: contents that are asked about anyway.
    """
    wanted, cached = Wanted(), 0
    try:
        for position, page in spool.pages():
            judged = [item for item in page if _needs_answer(judges[position], item)]
            contents = list(map(answers.content, judged))
            missing = answers.missing(contents, model)
            cached += sum(content not in missing for content in contents)
            missing.difference_update(references)
            if missing:
                pairs = zip(contents, judged, strict=True)
                wanted.add((content, item) for content, item in pairs if content in missing)
    except BaseException:
        wanted.close()
        raise
    return wanted, cached


def decide_all(  # noqa: PLR0913, PLR0917 - what a decision is made of
    judges: Sequence[Judge], spool: Spool, answers: Answers, wanted: Wanted, model: str | None, tally: Tally
) -> Iterator[Decision]:
    """Yield every object's decision in the order of the keys, and count it in *tally*.

    *wanted*: knows why an object has no answer; *model*: the `LabelModelVersion` of the references' answers, which may
    be empty; None without any reference.
    """
    for position, page in _smaller(spool.pages()):
        judge = judges[position]
        without = {item.key: verdict for item in page if (verdict := judge.without_answer(item))}
        found = _answers([item for item in page if item.size and item.key not in without], answers, wanted, model)
        for item in page:
            answer: Answer | None = None
            if (verdict := without.get(item.key)) is None:
                answer = next(found) if item.size else EMPTY
                verdict = judge.with_answer(answer)
            tally.add(position, verdict, answer)
            yield _decision(judge, item, verdict, answer)
    if tally.errors[NO_ACCESS] and not tally.labelled:
        raise AwsRefused("Rekognition could read none of the objects.", hint=NO_ACCESS_HINT)


def _smaller(pages: Iterator[tuple[int, list[S3Object]]]) -> Iterator[tuple[int, list[S3Object]]]:
    for position, page in pages:
        for start in range(0, len(page), AT_ONCE):
            yield position, page[start : start + AT_ONCE]


def _needs_answer(judge: Judge, item: S3Object) -> bool:
    """Tell whether the detector has to be asked about an object."""
    return item.size > 0 and judge.without_answer(item) is None


def _answers(items: Sequence[S3Object], answers: Answers, wanted: Wanted, model: str | None) -> Iterator[Answer]:
    """Yield each object's answer, or why it has none; raises `AnswersPending` if nobody knows."""
    contents = list(map(answers.content, items))
    known: dict[bytes, Answer] = answers.known(contents)
    if missing := [content for content in contents if content not in known]:
        known.update(wanted.failures(missing))
    for item, content in zip(items, contents, strict=True):
        if content not in known:
            raise AnswersPending(f"The answer for {item.key} is not in the cache any more.")
        yield _same_model(known[content], model)


def _same_model(answer: Answer, model: str | None) -> Answer:
    """Return the answer, or that it cannot be compared with the references'."""
    if isinstance(answer, Answered) and model is not None and answer.response.LabelModelVersion != model:
        other, ours = answer.response.LabelModelVersion or "of no name", model or "one of no name"
        return Unreadable("other-model", f"answered by model {other}, the references by {ours}; plan again")
    return answer


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
