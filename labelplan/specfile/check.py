"""What a schema cannot say about a spec: what one value means for another.

Works on data that may still be wrong elsewhere, so that all mistakes come out at once: every function takes what has
the right type and leaves the rest to the schema's complaints. What must exist in the bucket is the plan's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.specfile.backup import backup_complaints
from labelplan.specfile.build import RULE_KEYS
from labelplan.specfile.conflicts import contradictions, deleted_references, twice
from labelplan.specfile.parts import first_places, labels, mapping, pins, texts
from labelplan.specfile.prefixes import not_a_key, not_a_prefix, overlaps, too_long
from labelplan.specfile.schema import shown
from labelplan.specfile.thresholds import low_thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from labelplan.errors import Problem
    from labelplan.specfile.parts import Named
    from labelplan.specfile.text import Document, Value, Where


def semantic_problems(document: Document) -> Iterator[Problem]:
    """Yield what contradicts itself, can match nothing, or would match something else than it seems to."""
    spec = mapping(document.data)
    for where, message in _complaints(spec, document):
        if where not in document.doubtful:
            yield document.problem(where, message)


def _complaints(spec: Mapping[str, Value], document: Document) -> Iterator[Named]:
    rules = mapping(spec.get("labels"))
    yield from low_thresholds(spec, rules)
    yield from _not_for_local(mapping(spec.get("detector")))
    yield from overlaps(rules, document)
    yield from backup_complaints(spec, rules, document)
    yield from deleted_references(rules, document)
    yield from twice(labels(spec, "exclude", ()), document)
    excluded = first_places(labels(spec, "exclude", ()))
    for where, pattern in texts(spec, "protect", ()):
        if trouble := not_a_key(pattern):
            yield where, trouble
    for name, rule in rules.items():
        if isinstance(rule, dict):
            yield from _rule(rule, ("labels", name))
            yield from contradictions(rule, ("labels", name), excluded, document)


def _not_for_local(detector: Mapping[str, Value]) -> Iterator[Named]:
    if detector.get("service") != "local":
        return
    if "tps" in detector:
        yield ("detector", "tps"), "the local detector has no quota to keep to: remove this line"
    if detector.get("convert") is True:
        yield ("detector", "convert"), "the local detector converts nothing, it reads JPEG and PNG: remove this line"


def _rule(rule: Mapping[str, Value], at: Where) -> Iterator[Named]:
    prefix = rule.get("prefix")
    if isinstance(prefix, str) and (trouble := not_a_prefix(prefix)):
        yield (*at, "prefix"), trouble
    if RULE_KEYS.issuperset(rule) and rule.get("references", []) == [] and rule.get("accept", []) == []:
        yield at, "has neither 'references' nor 'accept', so nothing could prove that an image belongs here: add one"
    for where, reference in texts(rule, "references", at):
        if trouble := _not_a_reference(reference):
            yield where, trouble
    usable = isinstance(prefix, str) and not not_a_prefix(prefix)
    for where, key in (*texts(rule, "keep", at), *pins(rule, at)):
        if trouble := too_long(key):
            yield where, trouble
        elif usable and not key.startswith(str(prefix)):
            yield where, f"{shown(key)} is not under this rule's prefix {shown(prefix)}"


def _not_a_reference(reference: str) -> str:
    if reference.startswith((".\\", "..\\")):
        return "write a local file with '/', as ./refs/deer.jpg"
    if "://" in reference:
        return f"{shown(reference)} is an address: write a key of the bucket, or a local file as ./refs/deer.jpg"
    return "is a folder: a reference is one image" if reference.endswith("/") else too_long(reference)
