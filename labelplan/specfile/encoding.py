"""Bytes -> characters: a spec is a UTF-8 text of bounded size, without characters that a reviewer cannot see.

Not for YAML: that starts in `text.py`. Everything here is refused at its first place, as the rest of the file cannot be
trusted to be text at all.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from labelplan.errors import Problem, SpecError

MAX_BYTES = 1024 * 1024
"""A spec is written by hand; 1 MiB holds more than 10,000 pins."""

_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

_UNSEEN = re.compile(
    # what YAML does not allow, and U+0085
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    # invisible, a line break to some readers, or turning the text after it around (CVE-2021-42574)
    "|[\u200b\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)


def decode(content: bytes, file: str) -> str:
    """Return a spec's text; a UTF-8 byte order mark at its start is dropped. Raises `SpecError`."""
    if len(content) > MAX_BYTES:
        raise _error(file, "", f"the file is larger than the {MAX_BYTES // 1024:,} kB that a spec may have")
    for mark, name in _OTHER_ENCODINGS:
        if content.startswith(mark):
            raise _error(file, "", f"the file is in {name}: save it as UTF-8")
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        before = content.removeprefix(codecs.BOM_UTF8)[: error.start].decode()
        byte = error.object[error.start]
        raise _error(file, before, f"byte 0x{byte:02X} is not UTF-8: save the file as UTF-8") from None
    if unseen := _UNSEEN.search(text):
        raise _error(file, text[: unseen.start()], _about(unseen.group()))
    return text


def _about(character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return (
        f"the character U+{ord(character):04X} ({name}) cannot be seen in a review: "
        f"remove it, or write it as \\u{ord(character):04x} in double quotes"
    )


def _error(file: str, before: str, message: str) -> SpecError:
    lines = re.split("\r\n|\r|\n", before)
    return SpecError([Problem(file, len(lines), len(lines[-1]) + 1, "", message)])
