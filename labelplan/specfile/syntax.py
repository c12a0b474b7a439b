"""What a YAML parser's complaint means, in words for people who do not know YAML's grammar.

libyaml's texts are technical ("could not find expected ':'"), and some point behind the mistake. Unknown ones pass
through as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yaml import MarkedYAMLError

if TYPE_CHECKING:
    from yaml import Mark, YAMLError

_TAB = "a tab stands where YAML wants spaces: indent with spaces only"

_AT_THE_PROBLEM = (
    (
        "mapping values are not allowed",
        "no value can begin at this ':': is a ':' missing above, the line indented too far, or text without quotes?",
    ),
    (
        "did not find expected key",
        "this does not fit the lines above: entries of one block begin in the same column",
    ),
    (
        "did not find expected '-'",
        "this does not fit the list above: its items begin with '- ' in the same column",
    ),
    (
        "cannot start any token",
        "text cannot begin with this character: put it in quotes",
    ),
    ("did not find expected node content", "a value is missing before this character, or it needs quotes"),
    (
        "unknown escape character",
        "this is no escape that YAML knows: write '\\\\' for a backslash, or use single quotes",
    ),
)
_AT_THE_CONTEXT = (
    ("could not find expected ':'", "this is not 'key: value': check the ':' and the space after it"),
    ("quoted scalar", "the quote that opens here is never closed"),
    ("flow sequence", "the '[' that opens here is not closed, or a ',' is missing"),
    ("flow mapping", "the '{' that opens here is not closed, or a ',' is missing"),
    ("scanning an alias", "text cannot begin with '*', which means an alias in YAML: put it in quotes"),
    ("scanning an anchor", "text cannot begin with '&', which means an anchor in YAML: put it in quotes"),
    ("a tag", "text cannot begin with '!', which means a tag in YAML: put it in quotes"),
)


def explain(error: YAMLError, text: str) -> tuple[int, int, str]:
    """Return line and column (from 1) of a syntax error, and what to do about it."""
    if not isinstance(error, MarkedYAMLError):
        return 1, 1, str(error)
    problem, context = error.problem or "", error.context or ""
    at = error.problem_mark or error.context_mark
    if tab := _tab_in_indentation(at, text):
        return (*tab, _TAB)
    for part, message in _AT_THE_PROBLEM:
        if part in problem:
            return (*_place(at), message)
    for part, message in _AT_THE_CONTEXT:
        if part in f"{problem} {context}":
            return (*_place(error.context_mark or at), message)
    return (*_place(at), f"{problem} {context}".strip())


def _place(mark: Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _tab_in_indentation(mark: Mark | None, text: str) -> tuple[int, int] | None:
    lines = re.split("\r\n|\r|\n", text)
    if mark is None or mark.line >= len(lines):
        return None
    indented = re.match(" *\t", lines[mark.line])
    return (mark.line + 1, indented.end()) if indented else None
