"""Which labels are evidence under a label rule: those of its references, less what proves nothing, plus `accept`.

The classic method accepts every label of a reference above the threshold. What is closed here: an excluded label is
never accepted, and `evidence: specific` drops a label only if it is the parent of another label of the same reference
that is above the threshold too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.model.plan import AcceptedLabel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelplan.model.response import Label, Response
    from labelplan.model.spec import LabelRule


def accepted_labels(rule: LabelRule, references: Sequence[tuple[str, Response]]) -> tuple[AcceptedLabel, ...]:
    """Return what counts as evidence, surest first, then by name; may be empty, which the caller refuses."""
    given: dict[str, dict[str, float]] = {}
    for name, response in references:
        for label in usable_labels(rule, response):
            given.setdefault(label.Name, {})[name] = label.Confidence
    own = {graded.label: graded.threshold for graded in rule.accept}
    made = [
        AcceptedLabel(label, own.get(label, _threshold(rule, label)), tuple(by), tuple(by.values()))
        for label, by in given.items()
    ]
    made += [AcceptedLabel(label, threshold, (), ()) for label, threshold in own.items() if label not in given]
    return tuple(sorted(made, key=lambda accepted: (-max(accepted.confidence, default=0.0), accepted.label)))


def usable_labels(rule: LabelRule, reference: Response) -> Iterator[Label]:
    """Yield the labels that a reference gives as evidence under *rule*."""
    strong = [label for label in reference.Labels if label.Confidence > rule.threshold]
    parents = {parent.Name for label in strong for parent in label.Parents} if rule.evidence == "specific" else set()
    excluded = {graded.label for graded in rule.exclude}
    for label in strong:
        names = set(all_names(label))
        if label.Name in parents or names & excluded:
            continue
        if all(label.Confidence > graded.threshold for graded in rule.ignore if graded.label in names):
            yield label


def all_names(label: Label) -> Iterator[str]:
    """Yield a label's primary name, then its aliases."""
    yield label.Name
    for alias in label.Aliases:
        yield alias.Name


def _threshold(rule: LabelRule, label: str) -> float:
    return max([rule.threshold, *(graded.threshold for graded in rule.ignore if graded.label == label)])
