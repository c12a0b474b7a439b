"""What a reviewer should look at twice: warnings about references, labels and names, each with the line to write.

Why: measured on real Rekognition answers, a random picture passes three random references 57-78 % of the time, because
everything is `Outdoors` or `Person`. A plan that would do harm says so here, before anybody applies it.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

from labelplan.model.plan import Warn
from labelplan.rules.accept import by_name, usable_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelplan.model.response import Response
    from labelplan.model.spec import LabelRule
    from labelplan.rules.decide import Judge
    from labelplan.rules.tally import Tally

FEW = 3
MOST = 50.0
"""Percent: a label carried by more than this is too common to prove a class."""
ELSEWHERE = 20.0
"""Percent: a label this common in other prefixes is not special to its own."""
WEAK = 0.2
"""A reference whose best label lies in the lowest fifth between the threshold and 100 is a weak one."""


def reference_advice(rule: LabelRule, references: Sequence[tuple[str, Response]], max_labels: int) -> Iterator[Warn]:
    """Yield warnings about a rule's references alone."""
    if len(rule.references) < FEW and not rule.accept:
        yield Warn(
            "few-references", f"{rule.name}: {len(rule.references)} reference(s); 3 to 5 give a steadier rule", ""
        )
    usable = {name: {label.Name: label.Confidence for label in usable_labels(rule, r)} for name, r in references}
    for name, response in references:
        others = [reference for reference in rule.references if reference != name]
        without = f"references: {_flow(others)}"
        yield from _one_reference(rule, name, response, usable, without)
        if len(response.Labels) >= max_labels and response.Labels[-1].Confidence > rule.threshold:
            yield Warn(
                "cut-reference",
                f"{rule.name}: the answer for {name} was cut at {max_labels} labels; evidence may be missing",
                f"detector: {{max_labels: {min(1000, 4 * max_labels)}}}",
            )


def _one_reference(
    rule: LabelRule, name: str, response: Response, usable: dict[str, dict[str, float]], without: str
) -> Iterator[Warn]:
    names = by_name(response.Labels)
    for graded in rule.exclude:
        label = names.get(graded.label)
        if label is not None and label.Confidence > graded.threshold:
            yield Warn(
                "excluded-reference",
                f"{rule.name}: the reference {name} itself shows the excluded label {label.Name} "
                f"({label.Confidence:.1f} %); take a picture of the subject alone",
                without,
            )
    mine = usable[name]
    if not mine:
        yield Warn("silent-reference", f"{rule.name}: the reference {name} gives no label above the threshold", without)
        return
    best = max(mine, key=lambda label: mine[label])
    if mine[best] <= rule.threshold + WEAK * (100 - rule.threshold):
        yield Warn(
            "weak-reference",
            f"{rule.name}: the best label of the reference {name} is only {best} {mine[best]:.1f} %; "
            "the detector hardly knows this class",
            "",
        )
    others = [set(labels) for other, labels in usable.items() if other != name]
    if others and not any(mine.keys() & labels for labels in others):
        shown = ", ".join(sorted(mine, key=lambda label: -mine[label])[:3])
        yield Warn(
            "lone-reference",
            f"{rule.name}: the reference {name} ({shown}) shares no accepted label with the others",
            without,
        )


def label_advice(
    judge: Judge, tally: Tally, position: int, references: Sequence[tuple[str, Response]]
) -> Iterator[Warn]:
    """Yield warnings about accepted labels that are too common to prove anything."""
    rule = judge.rule
    generic = {parent.Name for _, response in references for label in response.Labels for parent in label.Parents}
    ignored = [graded.label for graded in rule.ignore]
    for share in tally.shares(position):
        elsewhere = share.share_elsewhere or 0.0
        everywhere = tally.bucket_share(position, share.label)
        if elsewhere > MOST or (everywhere > MOST and (share.label in generic or elsewhere > ELSEWHERE)):
            yield Warn(
                "common-label",
                f"{rule.name}: {share.label} accepts {everywhere:.0f} % of the bucket's labelled objects"
                + (f" and {elsewhere:.0f} % of the other prefixes'" if share.share_elsewhere is not None else "")
                + "; it proves little",
                f"ignore: {_flow([*ignored, share.label])}",
            )


def name_advice(rule: LabelRule, seen: set[str]) -> Iterator[Warn]:
    """Yield warnings about names in the spec that no answer ever showed, with what may have been meant."""
    for where, graded in (("accept", rule.accept), ("ignore", rule.ignore), ("exclude", rule.exclude)):
        for label in (entry.label for entry in graded):
            if label in seen:
                continue
            near = difflib.get_close_matches(label, sorted(seen), 1)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            yield Warn(
                "unseen-label",
                f"{rule.name}: no answer showed the label '{label}' of {where}{meant}",
                f"{where}: {_flow([near[0] if near and e.label == label else e.label for e in graded])}"
                if near
                else "",
            )


def _flow(values: Sequence[str]) -> str:
    """Write a list of texts as one line of YAML (JSON strings are YAML); plain words stay plain."""
    return (
        "[" + ", ".join(v if v.replace(" ", "").isalpha() else json.dumps(v, ensure_ascii=False) for v in values) + "]"
    )
