"""What an unquoted word of YAML means, or why it means too many things.

The values are those of YAML 1.2's core schema (yaml.org/spec/1.2.2, section 10.3), and only where YAML 1.1 readers, of
which there are many, agree. What they read otherwise is refused with the reason. Quoted text never comes here.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?")
_DIGITS = 18
"""More than this does not fit the 64-bit integers of other readers; no number of a spec comes near."""

_SURPRISES = (
    (
        re.compile(r"y|yes|n|no|on|off", re.IGNORECASE),
        'is true or false to some YAML readers and text to others: if it is text, write "{}"',
    ),
    (re.compile(r"[-+]?0[0-9_]+"), 'is an octal number to some YAML readers: drop the leading 0, or write "{}"'),
    (
        re.compile(r"[-+]?0[xob][0-9a-fA-F_]+"),
        'is a number to some YAML readers and text to others: write a decimal number, or "{}"',
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
        'is a time or a number in base 60 to some YAML readers: write "{}"',
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"),
        'is a date to some YAML readers and text to others: write "{}"',
    ),
    (
        re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE),
        'is infinity or no number at all: write a decimal number, or "{}"',
    ),
    (
        re.compile(r"[-+]?([0-9][0-9_,]*(\.[0-9_]*)?|\.[0-9_]+)(e[-+]?[0-9]+)?", re.IGNORECASE),
        'is a number to some YAML readers and text to others: write a plain number such as 1000 or 0.5, or "{}"',
    ),
)


def plain_value(word: str) -> tuple[Scalar, str]:
    """Return an unquoted word's value, and why it is refused (then the value is the word itself), or nothing."""
    if word in _WORDS:
        return _WORDS[word], ""
    if _NUMBER.fullmatch(word):
        return _number(word)
    for pattern, reason in _SURPRISES:
        if pattern.fullmatch(word):
            return word, reason.format(word)
    return word, ""


def _number(word: str) -> tuple[Scalar, str]:
    if len(word) > _DIGITS:
        return word, f'has more than {_DIGITS} digits: if it is text, write "{word}"'
    value = float(word)
    return (int(value) if value.is_integer() else value), ""
