"""What a reviewer should look at twice: warnings about references, labels and names, each with the line to write.

Why: measured on real Rekognition answers, a random picture passes three random references 57-78 % of the time, because
everything is `Outdoors` or `Person`. A plan that would do harm says so here, before anybody applies it.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

from msgspec.structs import replace

from labelplan.model.plan import Warn
from labelplan.model.response import by_name
from labelplan.model.spec import NEVER, GradedLabel
from labelplan.rules.accept import usable_labels
from labelplan.rules.tally import SEVERAL

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
SHOWN = 4
_NOT_PLAIN = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})
WEAK = 0.2
"""A reference whose best label lies in the lowest fifth between the threshold and 100 is a weak one."""


def reference_advice(rule: LabelRule, references: Sequence[tuple[str, Response]], max_labels: int) -> Iterator[Warn]:
    """Yield warnings about a rule's references alone."""
    yield from few_references(rule)
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


def few_references(rule: LabelRule) -> Iterator[Warn]:
    """Yield a warning about a rule with fewer than 3 references: one odd label among them counts too much."""
    count = len(rule.references)
    if count < FEW:
        what = f"{rule.name}: {count} reference{'' if count == 1 else 's'}; 3 to 5 give a steadier rule"
        yield Warn("few-references", what, "")


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
    """Yield a warning if accepted labels are too common to prove anything.

    The line to write leaves out those that are common elsewhere too or stand at the top of the label tree; if the
    bucket has no other prefix to compare with, at least the commonest.
    """
    rule = judge.rule
    tops = _tops([response for _, response in references])
    everywhere = {share.label: tally.bucket_share(position, share.label) for share in tally.shares(position)}
    elsewhere = {share.label: share.share_elsewhere for share in tally.shares(position)}
    common = [
        label
        for label, percent in sorted(everywhere.items(), key=lambda pair: -pair[1])
        if (elsewhere[label] or 0) > MOST
        or (percent > MOST and (elsewhere[label] is None or label in tops or (elsewhere[label] or 0) > ELSEWHERE))
    ]
    if not common:
        return
    proofless = [label for label in common if label in tops or (elsewhere[label] or 0) > ELSEWHERE] or common[:1]
    told = ", ".join(
        f"{label} {everywhere[label]:.0f} %"
        + ("" if elsewhere[label] is None else f" ({elsewhere[label]:.0f} % elsewhere)")
        for label in common[:SHOWN]
    )
    yield Warn(
        "common-label",
        f"{rule.name}: more than half of the bucket has an accepted label: {told}; "
        "what does not name the subject itself proves little",
        _ignoring(rule, proofless),
    )


def missed_advice(rule: LabelRule, tally: Tally, position: int) -> Iterator[Warn]:
    """Yield a warning if many objects without evidence show the same thing: a part of the class, forgotten?"""
    label, count = tally.missed(position)
    without = tally.counts[position]["delete", "no-evidence"]
    if count >= SEVERAL and count >= without / 5:
        kept = [entry for entry in rule.accept if entry.label != label]
        yield Warn(
            "alike-deletes",
            f"{rule.name}: {count:,} of the {without:,} objects without evidence show {label}; "
            "if that belongs to the class, accept it",
            f"accept: {_entries([*kept, GradedLabel(label, rule.threshold)], rule.threshold)}",
        )


def _tops(references: Sequence[Response]) -> set[str]:
    """Return the labels that have labels below them and none above: Animal, Outdoors."""
    labels = [label for response in references for label in response.Labels]
    return {parent.Name for label in labels for parent in label.Parents} - {one.Name for one in labels if one.Parents}


def name_advice(judge: Judge, seen: set[str]) -> Iterator[Warn]:
    """Yield warnings about names in the spec that no answer ever showed, with what may have been meant."""
    rule = judge.rule
    for where, graded, usual in (
        ("accept", rule.accept, rule.threshold),
        ("ignore", rule.ignore, NEVER),
        ("exclude", rule.exclude, rule.threshold),
    ):
        for entry in graded:
            if entry.label in seen:
                continue
            near = difflib.get_close_matches(entry.label, sorted(seen), 1)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            yield Warn(
                "unseen-label",
                f"no answer showed the label '{entry.label}' of {where}{meant}",
                f"{where}: {_entries(_mended(graded, entry, near[0]), usual)}"
                if near and _free(judge, near[0], where)
                else "",
            )


def _mended(graded: Sequence[GradedLabel], wrong: GradedLabel, name: str) -> list[GradedLabel]:
    """Return the entries with *name* for the wrong one, unless it is there already."""
    there = any(entry.label == name for entry in graded)
    return [replace(e, label=name) if e == wrong else e for e in graded if e != wrong or not there]


def _free(judge: Judge, name: str, where: str) -> bool:
    """Tell whether a name may be proposed: no other list speaks of it, and it would take no evidence away."""
    lists = {"accept": judge.rule.accept, "ignore": judge.rule.ignore, "exclude": judge.rule.exclude}
    taken = {entry.label for other, graded in lists.items() if other != where for entry in graded}
    if where != "accept":
        taken |= {accepted.label for accepted in judge.accepted}
    return name not in taken


def _ignoring(rule: LabelRule, labels: Sequence[str]) -> str:
    """Write the rule's `ignore` with *labels* besides; empty if it is the spec's own `accept` that names them."""
    chosen = {entry.label for entry in rule.accept}
    new = [label for label in labels if label not in chosen]
    kept = [entry for entry in rule.ignore if entry.label not in new]
    return f"ignore: {_entries([*kept, *(GradedLabel(label, NEVER) for label in new)], NEVER)}" if new else ""


def _entries(graded: Sequence[GradedLabel], usual: float) -> str:
    """Write labels as one line of YAML, with the thresholds that differ from the *usual* one."""
    written = [
        _word(entry.label)
        if entry.threshold == usual
        else f"{{label: {_word(entry.label)}, threshold: {entry.threshold:g}}}"
        for entry in graded
    ]
    return f"[{', '.join(written)}]"


def _flow(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_word, values))}]"


def _word(text: str) -> str:
    """Write a text in YAML: plain words stay plain, anything else is quoted (JSON's strings are YAML)."""
    plain = text.isascii() and text.replace(" ", "").isalpha() and text.lower() not in _NOT_PLAIN
    return text if plain else json.dumps(text, ensure_ascii=False)
