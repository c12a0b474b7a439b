"""Look at a written plan again with the rules that made it: are its guards kept, and does each decision follow?

Works from the plan alone: the spec, the references' answers and every object's answer are in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from labelplan.errors import GuardTripped, PlanCorrupt
from labelplan.model.objects import S3Object
from labelplan.model.response import Answered, decode_response
from labelplan.rules.accept import accepted_labels
from labelplan.rules.decide import Judge, Verdict
from labelplan.rules.guards import breaches
from labelplan.specfile.build import build_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from msgspec import Raw

    from labelplan.model.plan import Action, Decision, Header, Reason, RuleHeader
    from labelplan.model.response import Answer, Response
    from labelplan.model.spec import Spec


def check_guards(header: Header, counts: Mapping[str, Mapping[tuple[Action, Reason], int]]) -> None:
    """Raise `GuardTripped` with every breach if a plan deletes more than its spec allows.

    `PlanCorrupt` if the plan has other rules than its spec: those would have no guards.
    *counts*: the plan's decisions by rule, action and reason, as its reader counted them.
    """
    found = [
        f"  {breach.message}\n    to allow it, write under labels.{rule.name}:  {breach.write}"
        for rule in spec_of(header).rules
        for breach in breaches(rule.name, rule.guards, counts.get(rule.name, {}))
    ]
    if found:
        raise GuardTripped(
            "The plan would delete more than its guards allow:\n" + "\n".join(found),
            hint="Nothing was deleted. Look at the plan first: labelplan show PLAN --deletes. The only override is the "
            "spec: write the line, plan again, have it reviewed.",
        )


def replay(header: Header, decisions: Iterator[Decision]) -> int:
    """Decide every object again and return how many there were; raises `PlanCorrupt` at the first difference."""
    judges = _judges(header)
    done = 0
    for decision in decisions:
        judge = judges[decision.rule]
        item = S3Object(decision.key, decision.version_id, decision.etag, decision.size)
        verdict = judge.without_answer(item) or judge.with_answer(_answer(decision))
        said = Verdict(decision.action, decision.reason, decision.labels)
        if verdict != said or not decision.key.startswith(judge.rule.prefix):
            raise PlanCorrupt(
                f"{decision.key}: the plan says {said.action} ({said.reason}), "
                f"its own rules and answers say {verdict.action} ({verdict.reason}).",
                hint=f"It was made with {header.tool}; use that version if this one is another, or plan again.",
            )
        done += 1
    return done


def _judges(header: Header) -> dict[str, Judge]:
    spec = spec_of(header)
    recorded = {rule.name: rule for rule in header.rules}
    keys = frozenset(name for rule in spec.rules for name in rule.references)
    judges = {}
    for rule in (rule for rule in spec.rules if rule.name in recorded):
        accepted = accepted_labels(rule, _references(recorded[rule.name]))
        if accepted != recorded[rule.name].accepted:
            raise PlanCorrupt(f"labels.{rule.name}: the accepted labels do not follow from the references' answers.")
        judges[rule.name] = Judge(rule, accepted, spec.protect, keys, spec.detector.max_labels)
    return judges


def _references(rule: RuleHeader) -> list[tuple[str, Response]]:
    return [
        (str(record.file if record.key is UNSET else record.key), _response(record.response, f"rule {rule.name!r}"))
        for record in rule.references
    ]


def _answer(decision: Decision) -> Answer:
    if decision.error is not UNSET:
        return decision.error
    if decision.response is UNSET:
        raise PlanCorrupt(f"{decision.key}: {decision.reason} needs an answer, and the plan has none.")
    return Answered(bytes(decision.response), _response(decision.response, repr(decision.key)))


def _response(raw: Raw, where: str) -> Response:
    try:
        return decode_response(bytes(raw))
    except ValueError as error:
        raise PlanCorrupt(f"{where}: its answer in the plan cannot be read: {error}.") from None


def spec_of(header: Header) -> Spec:
    """Return the plan's spec; raises `PlanCorrupt` if it is none, or not one of the plan's rules."""
    try:
        spec = build_spec(msgspec.json.decode(header.spec))
    except (ValueError, RecursionError) as error:
        raise PlanCorrupt(f"The spec in the plan cannot be read: {error}") from None
    there, planned = {rule.name for rule in spec.rules}, {rule.name for rule in header.rules}
    if odd := planned - there if header.partial else planned ^ there:
        raise PlanCorrupt(f"The plan's label rules are not those of the spec in it: {', '.join(sorted(odd))}.")
    return spec
