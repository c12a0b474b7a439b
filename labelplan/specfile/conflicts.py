"""Labels and keys of one label rule that contradict each other.

What is given twice in a list of plain texts is the schema's to say (`uniqueItems`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.specfile.parts import first_places, labels, mapping, pins, texts
from labelplan.specfile.schema import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from labelplan.specfile.parts import Named
    from labelplan.specfile.text import Document, Value, Where


def contradictions(
    rule: Mapping[str, Value], at: Where, excluded: Mapping[str, Where], document: Document
) -> Iterator[Named]:
    """Yield what a rule at *at* says both ways; *excluded* are the spec's labels, for a rule without its own."""
    if "exclude" in rule:
        excluded = first_places(labels(rule, "exclude", at))
    ignored = first_places(labels(rule, "ignore", at))
    for where, label in labels(rule, "accept", at):
        if label in excluded:
            line = document.place(excluded[label]).line
            yield (
                where,
                f"{shown(label)} is excluded as well (line {line}): an excluded label is never evidence; remove one",
            )
        if label in ignored:
            line = document.place(ignored[label]).line
            yield where, f"{shown(label)} is ignored as well (line {line}): remove one"
    deleted = first_places(pins(rule, at))
    for _, key in texts(rule, "keep", at):
        if key in deleted:
            yield deleted[key], f"{shown(key)} is in 'keep' as well: remove one"
    for part in ("accept", "ignore", "exclude"):
        yield from twice(labels(rule, part, at), document)
    yield from twice(pins(rule, at), document)


def deleted_references(rules: Mapping[str, Value], document: Document) -> Iterator[Named]:
    """Yield the keys to delete that are references, of any rule: a reference is always kept."""
    parts = [(mapping(rule), ("labels", name)) for name, rule in rules.items()]
    references = first_places(named for rule, at in parts for named in texts(rule, "references", at))
    for where, key in (named for rule, at in parts for named in pins(rule, at)):
        if key in references:
            yield (
                where,
                f"{shown(key)} is a reference as well (line {document.place(references[key]).line}): remove one",
            )


def twice(named: Iterator[Named], document: Document) -> Iterator[Named]:
    """Yield every name after its first mention."""
    first: dict[str, Where] = {}
    for where, name in named:
        before = first.setdefault(name, where)
        if before != where:
            yield where, f"{shown(name)} is given twice (first on line {document.place(before).line}): remove one"
