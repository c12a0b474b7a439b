"""Forty-two keys that S3 allows and that something on the way may take for another key, or for no key at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ODD_KEYS = {
    "nothing odd": "plain",
    # --- characters beyond ASCII
    "letters of three alphabets and an emoji": "uni-é-日本-😀",
    "an accent as a character of its own": "comb-e\u0301",
    "a line separator": "\u2028ls",
    "a byte order mark": "\ufeffbom",
    "the last code point": "\U0010ffff",
    # --- what a URL means by something
    "a plus": "plus+plus",
    "a blank": "a b",
    "what looks percent-encoded": "pct%41%2F",
    "a percent sign with no code": "pct-%zz",
    "a question mark": "ques?x=1",
    "a hash": "hash#x",
    "a semicolon": "semi;colon",
    "a tilde": "tilde~",
    "an equals sign": "a=b",
    "an at sign": "@",
    "a formula": "=cmd",
    # --- what XML, shells and globs mean by something
    "what looks like an entity": "amp&amp;x",
    "quotes and angle brackets": "quote\"'<>",
    "a star": "star*",
    # --- what a file system means by something
    "a backslash": "back\\slash",
    "a folder": "dir/",
    "another folder": "trail/",
    "a slash in front": "/lead",
    "two slashes in front": "//dbl",
    "two slashes inside": "a//b",
    "a dot as a folder": "a/./b",
    "two dots as a folder": "a/../b",
    "two dots in front": "../up",
    "nothing but two dots": "..",
    "nothing but a dot": ".",
    "a dot at the end": "dot.",
    "a blank in front": " lead space",
    "a blank at the end": "trail space ",
    # --- control characters
    "a line feed": "nl\nx",
    "a carriage return": "cr\rx",
    "both of them": "crlf\r\nx",
    "a tab": "tab\tx",
    "a delete character": "del\x7fx",
    "what XML cannot carry": "ctl\x01x",
    # --- long ones
    "two names of 255 bytes": "x" * 255 + "/" + "y" * 255,
    "1,024 bytes": "z" * 1024,
}
"""What is odd about each, and the key."""

UNLISTABLE = ODD_KEYS["what XML cannot carry"]
"""S3 writes it percent-encoded where that is asked for; of the servers here only the simulator does."""


class Oddities(NamedTuple):
    """What a server does with some of the keys. *refused*: at the PUT; *kept_as*: stored under another key;
    *listed_as*: the listing names a key that is not there; *emptied*: the bytes are thrown away; *no_bulk_undo*: a
    delete marker is not removed in bulk, only singly.
    """

    refused: frozenset[str] = frozenset()
    kept_as: Mapping[str, str] = {}
    listed_as: Mapping[str, str] = {}
    emptied: frozenset[str] = frozenset()
    no_bulk_undo: frozenset[str] = frozenset()


_DOTS = frozenset({"a/./b", "a/../b", "../up", "..", "."})

ODDITIES = {
    "simulator": Oddities(),
    "moto": Oddities(refused=frozenset({"nl\nx", "crlf\r\nx"}), listed_as={"cr\rx": "cr\nx"}),
    "ministack": Oddities(listed_as={"cr\rx": "cr\nx", "crlf\r\nx": "crlf\nx"}),
    "seaweedfs": Oddities(
        refused=_DOTS,
        kept_as={"back\\slash": "back/slash", "/lead": "lead", "//dbl": "dbl", "a//b": "a/b"},
        emptied=frozenset({"dir/", "trail/"}),
        no_bulk_undo=frozenset({ODD_KEYS["two names of 255 bytes"], ODD_KEYS["1,024 bytes"]}),
    ),
}
"""By server. Amazon's S3 does none of this."""
