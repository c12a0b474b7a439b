"""The JSON Schema of the spec, and its complaints in plain words, each at its place in the file.

`labelplan/schemas/spec.schema.json` is the single source of what is allowed; this module knows none of its limits. What
a schema cannot say is in `check.py`.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jsonschema import ValidationError

    from labelplan.errors import Problem
    from labelplan.specfile.text import Document, Where

_EXPECTED: Mapping[str, str] = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping (indented 'key: value' lines)",
}
_SHOWN = 60
"""Characters of a value that a message repeats."""


def schema_text() -> str:
    """Return the JSON Schema as it is shipped."""
    return files("labelplan").joinpath("schemas", "spec.schema.json").read_text(encoding="utf-8")


def schema_problems(document: Document) -> Iterator[Problem]:
    """Yield everything about a document that the schema does not allow, except what was refused already."""
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - 0.1 s, which printing need not wait for

    schema = json.loads(schema_text())
    # jsonschema's own compares every item with every other one where their types are mixed
    linear = validators.extend(Draft202012Validator, {"uniqueItems": _unique})  # type: ignore[no-untyped-call]  # not annotated
    for error in linear(schema).iter_errors(document.data):
        for where, message in _complaints(_breach(error), document, schema):
            if where not in document.doubtful:
                yield document.problem(where, message)


def _unique(_validator: object, _demand: object, items: object, _part: object) -> Iterator[ValidationError]:
    from jsonschema import ValidationError  # noqa: PLC0415 - as above

    if isinstance(items, list) and len(set(map(repr, items))) != len(items):
        yield ValidationError("")


@dataclass(frozen=True)
class _Breach:
    """A keyword of the schema that a value breaks: *demand* is the keyword's own value, *part* the schema around it."""

    where: Where
    keyword: str
    demand: Any
    value: Any
    part: Mapping[str, Any]


def _breach(error: ValidationError) -> _Breach:
    of_a_name = "propertyNames" in error.absolute_schema_path  # then the value is the name, and the path its mapping's
    keyword = "propertyNames" if of_a_name else str(error.validator)
    part = cast("Mapping[str, Any]", error.schema)
    return _Breach(tuple(error.absolute_path), keyword, error.validator_value, error.instance, part)


def shown(value: object) -> str:
    """Write a value for a message: text in quotes, cut where it is long."""
    text = repr(value[: _SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'delete'?` where something is near enough, or nothing."""
    plain = {_spelt_plainly(name): name for name in known}
    near = difflib.get_close_matches(_spelt_plainly(word), plain, 1)
    return f"; did you mean '{plain[near[0]]}'?" if near else ""


def _spelt_plainly(key: str) -> str:
    return key.casefold().replace("-", "_")


def _complaints(breach: _Breach, document: Document, schema: dict[str, Any]) -> Iterator[tuple[Where, str]]:
    value, where = breach.value, breach.where
    if breach.keyword == "propertyNames":
        yield (*where, value), _pattern(breach)
    elif breach.keyword == "additionalProperties":
        for key in (key for key in value if key not in breach.part["properties"]):
            yield (*where, key), f"unknown key {shown(key)}{_advice(key, breach.part, schema)}"
    elif breach.keyword == "required":
        misspelt = [key for key in value if key not in breach.part["properties"]]
        for key in (key for key in breach.demand if key not in value):
            if not did_you_mean(key, misspelt):  # else the misspelt one is told already
                yield where, f"'{key}' is missing"
    elif breach.keyword == "uniqueItems":
        yield from _repeated(value, where, document)
    else:
        yield where, _MESSAGES[breach.keyword](breach)


def _advice(key: str, part: Mapping[str, Any], schema: dict[str, Any]) -> str:
    near, explained = did_you_mean(key, part["properties"]), part.get("errorMessage")
    if explained or _spelt_plainly(key) in part["properties"]:
        return near or f"; {explained}"
    if home := _home(_spelt_plainly(key), schema):
        return f"; it belongs {home}"
    return near or f"; known here: {', '.join(part['properties'])}"


def _home(key: str, schema: dict[str, Any]) -> str:
    """Return where in a spec a key of this name belongs, or nothing."""
    if key in schema["properties"]:
        return "at the top of the spec, not indented"
    if key in schema["$defs"]["rule"]["properties"]:
        return "inside a label rule"
    sections = {**schema["properties"], "guards": schema["$defs"]["guards"]}
    return next((f"under '{name}:'" for name, part in sections.items() if key in part.get("properties", ())), "")


def _repeated(items: list[Any], path: Where, document: Document) -> Iterator[tuple[Where, str]]:
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        before = first.setdefault(repr(item), index)
        if before != index:
            line = document.place((*path, before)).line
            yield (*path, index), f"{shown(item)} is given twice (first on line {line}): remove one"


def _type(breach: _Breach) -> str:
    types = [breach.demand] if isinstance(breach.demand, str) else breach.demand
    expected = " or ".join(_EXPECTED[name] for name in types)
    value = breach.value
    if value is None:
        return f"has no value; expected {expected}"
    if breach.where and breach.where[-1] in breach.part.get("properties", ()):
        return f"expected a label rule, got {_kind(value)}: is this line indented too little?"
    return f"expected {expected}, got {_kind(value)}{_repair(value, types)}"


def _kind(value: object) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f"text ({shown(value)})"
    return str(value).lower() if isinstance(value, bool) else f"the number {value}"


def _repair(value: object, types: list[str]) -> str:
    if isinstance(value, str):
        return _repair_text(value, types)
    if "string" in types and not isinstance(value, dict | list):
        return f': write "{str(value).lower()}" in quotes if you mean the text'
    return ""


def _repair_text(value: str, types: list[str]) -> str:
    if "array" in types:
        if value.startswith("-"):
            return ": each item of a list begins with '-' and a space"
        return f": write [{json.dumps(value, ensure_ascii=False)}]" if len(value) <= _SHOWN else ""
    if {"number", "integer"} & set(types) and value.strip(" %").replace(".", "", 1).isdecimal():
        return f": write {value.strip(' %')[:_SHOWN]} without quotes"
    return ""


def _pattern(breach: _Breach) -> str:
    return f"{shown(breach.value)} {breach.part['patternErrorMessage']}"


def _enum(breach: _Breach) -> str:
    choices = " or ".join(map(str, breach.demand))
    if breach.value is None:
        return f"has no value; expected {choices}"
    explained = breach.part.get("errorMessage")
    near = did_you_mean(str(breach.value), breach.demand)
    return f"{shown(breach.value)} is not {choices}" + (near or (f"; {explained}" if explained else ""))


def _too_few(breach: _Breach) -> str:
    return f"is empty: {breach.part.get('errorMessage', 'write at least one entry')}"


def _below_100(breach: _Breach) -> str:
    limit = breach.demand
    if breach.value == limit:
        return f"{limit} lets nothing count, as no confidence is more than {limit}: write less"
    return f"{breach.value} is more than the maximum of {limit}"


_MESSAGES: dict[str, Callable[[_Breach], str]] = {
    "type": _type,
    "const": lambda b: f"must be {b.demand}, not {shown(b.value)}",
    "enum": _enum,
    "pattern": _pattern,
    "minimum": lambda b: f"{b.value} is less than the minimum of {b.demand}",
    "maximum": lambda b: f"{b.value} is more than the maximum of {b.demand}",
    "exclusiveMinimum": lambda b: f"{b.value} is not more than {b.demand}",
    "exclusiveMaximum": _below_100,
    "minLength": lambda _: "is empty: write a text, or remove it",
    "maxLength": lambda b: f"has {len(b.value):,} characters, more than the maximum of {b.demand:,}",
    "maxItems": lambda b: f"has {len(b.value):,} items, more than the maximum of {b.demand:,}",
    "minProperties": _too_few,
    "maxProperties": lambda b: str(b.part["errorMessage"]),
}
"""One for each keyword of the schema that can fail; a test holds the two together."""
