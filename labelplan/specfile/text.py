"""Text -> plain data with a place for every value: the part of YAML that reads the same everywhere.

Built on PyYAML's events, so nothing is ever expanded or constructed: mappings with text keys, lists and scalars.
Anchors, aliases, tags, merge keys, directives, duplicate keys and several documents are refused. What the data mean is
`schema.py`'s and `check.py`'s business.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, cast

import yaml
from yaml import events as ev

from labelplan.errors import Problem, SpecError
from labelplan.specfile.scalars import plain_value
from labelplan.specfile.syntax import explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.specfile.scalars import Scalar

Where = tuple[str | int, ...]
"""The way to a value: keys and list indices from the top, as `("labels", "deer", "references", 0)`."""

Value = dict[str, "Value"] | list["Value"] | str | int | float | bool | None

MOST_PROBLEMS = 100
"""A person reads no more than this of one file."""

_MESSAGE, _STEP = 2000, 100
"""Characters of a message, and of one key on the way to a value."""

MAX_DEPTH = 16
"""A spec needs 6 levels."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, ten times faster, where PyYAML was built with it


class Place(NamedTuple):
    """A place in a file, line and column from 1."""

    line: int
    column: int


@dataclass
class Document:
    """A file's data with the *places* of its values (a mapping's at the key), and the *problems* met so far.

    *doubtful* are the values that were refused already, and which a later check need not complain about again.
    """

    file: str
    data: Value = None
    places: dict[Where, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    doubtful: set[Where] = field(default_factory=set)

    def place(self, where: Where) -> Place:
        """Return the place of a value, or of the nearest one around it."""
        while where not in self.places and where:
            where = where[:-1]
        return self.places.get(where, Place(1, 1))

    def problem(self, where: Where, message: str) -> Problem:
        """Make a problem of the value at *where*."""
        return Problem(self.file, *self.place(where), dotted(where), plainly(message))


def dotted(where: Where) -> str:
    """Write a way as people do: `labels.deer.references[0]`, `labels["white tail"].prefix`."""
    parts = (_step(step) for step in where)
    return plainly("".join(parts).removeprefix("."))


def plainly(text: str) -> str:
    """Cut a long text, and escape what a terminal would act upon and what nobody sees."""
    text = text if len(text) <= _MESSAGE else f"{text[:_MESSAGE]}…"
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if text.isprintable() else "".join(shown)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    step = step if len(step) <= _STEP else f"{step[:_STEP]}…"
    return f".{step}" if re.fullmatch(r"[\w-]+(\.[\w-]+)*", step) else f"[{json.dumps(step, ensure_ascii=False)}]"


def parse(text: str, file: str) -> Document:
    """Read YAML text. Raises `SpecError` if there is nothing to go on with; lesser problems are in the document."""
    document = Document(file)
    try:
        document.data = _Reader(yaml.parse(text, Loader=_LOADER), document).read()
    except yaml.YAMLError as error:
        line, column, message = explain(error, text)
        raise SpecError(sorted_problems([*document.problems, Problem(file, line, column, "", message)])) from None
    return document


def sorted_problems(problems: list[Problem]) -> list[Problem]:
    """Put problems in the order of the file, each once; of very many, the first and how many more there are."""
    ordered = sorted(dict.fromkeys(problems), key=lambda p: (p.line, p.column, p.message))
    more = ordered[MOST_PROBLEMS:]
    if not more:
        return ordered
    words = f"here the list ends; {len(more):,} more were found from here on"
    return [*ordered[:MOST_PROBLEMS], Problem(more[0].file, more[0].line, more[0].column, "", words)]


class _Reader:
    """Turns events into a document's data: the stream's position, and the places and problems that grow with it."""

    def __init__(self, events: Iterator[yaml.Event], document: Document) -> None:
        self._events = events
        self._document = document

    def read(self) -> Value:
        next(self._events)  # the stream's start
        start = next(self._events)
        if not isinstance(start, ev.DocumentStartEvent):
            raise self._stop(start, _EMPTY)
        if start.version or start.tags:
            self._refuse(start, (), "a directive (%) is not allowed: remove this line")
        root = next(self._events)
        data = self._value(root, ())
        if data is None:
            raise self._stop(root, _EMPTY)
        next(self._events)  # the document's end
        after = next(self._events)
        if isinstance(after, ev.DocumentStartEvent):
            raise self._stop(after, "a second YAML document begins here: a spec is one document")
        return data

    def _value(self, event: yaml.Event, where: Where) -> Value:
        if len(where) > MAX_DEPTH:
            raise self._stop(event, f"more than {MAX_DEPTH} levels deep: no spec is")
        self._document.places.setdefault(where, _place(event))
        self._refuse_indirection(event, where)
        if isinstance(event, ev.MappingStartEvent):
            return self._mapping(where)
        if isinstance(event, ev.SequenceStartEvent):
            return self._sequence(where)
        if isinstance(event, ev.ScalarEvent):
            return self._scalar(event, where)
        return None  # an alias, refused above

    def _mapping(self, where: Where) -> Value:
        made: dict[str, Value] = {}
        while not isinstance(event := next(self._events), ev.MappingEndEvent):
            name = self._key(event, where)
            inside = (*where, name)
            if name in made:
                first = self._document.places[inside].line
                self._refuse(event, inside, f"given twice (first on line {first}): remove one")
            self._document.places[inside] = _place(event)
            made[name] = self._value(next(self._events), inside)
        return made

    def _key(self, event: yaml.Event, where: Where) -> str:
        if not isinstance(event, ev.ScalarEvent):
            self._refuse(event, (*where, ""), "a key must be text")
            self._value(event, (*where, ""))
            return ""
        inside = (*where, event.value)
        self._refuse_indirection(event, inside)
        if event.style:
            return event.value
        value, reason = plain_value(event.value)
        if event.value == "<<":
            reason = "is a merge key, which is not allowed: write the lines out"
        elif not reason and not isinstance(value, str):
            reason = f'is not text, as a key must be: write "{event.value}"'
        if reason:
            self._refuse(event, inside, f"{event.value} {reason}")
        return event.value

    def _sequence(self, where: Where) -> Value:
        made: list[Value] = []
        while not isinstance(event := next(self._events), ev.SequenceEndEvent):
            made.append(self._value(event, (*where, len(made))))
        return made

    def _scalar(self, event: ev.ScalarEvent, where: Where) -> Scalar:
        if event.style:
            if any("\ud800" <= character <= "\udfff" for character in event.value):
                self._refuse(event, where, "half of a surrogate pair (\\ud800 to \\udfff) is no character")
            return event.value
        value, reason = plain_value(event.value)
        if reason:
            self._refuse(event, where, f"{event.value} {reason}")
        return value

    def _refuse_indirection(self, event: yaml.Event, where: Where) -> None:
        if isinstance(event, ev.AliasEvent):
            self._refuse(event, where, _ALIAS)
        elif isinstance(event, ev.NodeEvent) and event.anchor:
            self._refuse(event, where, "an anchor (&) is not allowed: text that begins with '&' needs quotes")
        if getattr(event, "tag", None):
            self._refuse(event, where, "a tag (!) is not allowed: text that begins with '!' needs quotes")

    def _refuse(self, event: yaml.Event, where: Where, message: str) -> None:
        self._document.doubtful.add(where)
        problem = Problem(self._document.file, *_place(event), dotted(where), plainly(message))
        self._document.problems.append(problem)

    def _stop(self, event: yaml.Event, message: str) -> SpecError:
        problem = Problem(self._document.file, *_place(event), "", message)
        return SpecError(sorted_problems([*self._document.problems, problem]))


_EMPTY = "the file is empty: examples/minimal.yaml is a spec to begin with"
_ALIAS = "an alias (*) is not allowed: text that begins with '*', such as a pattern, needs quotes"


def _place(event: yaml.Event) -> Place:
    mark = cast("yaml.Mark", event.start_mark)  # a parser's events have one
    return Place(mark.line + 1, mark.column + 1)
