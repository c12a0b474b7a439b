from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from labelplan.planfile import layout
from tests.planfile.making import decision, header

UNSEEN = "\x7f\x85\xa0\xad\u034f\u061c\u200b\u200e\u202e\u2028\u2066\u3000\ufe0f\ufeff\U000e0041"
keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), min_size=1, max_size=40)


@given(st.lists(keys, min_size=1, max_size=5))
@example(list(UNSEEN))
@example(["a", "é/ü", '日本\u200b\n\t"\\.jpg'])
def test_any_keys_come_back_as_they_were_and_every_line_is_a_line_of_json(some: list[str]) -> None:
    made = [decision(key) for key in some]
    lines = layout.encode_decisions(made)
    assert layout.check_decisions(lines) == made
    assert [json.loads(line)["key"] for line in lines.split(b",\n")] == some


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_nobody_sees_in_a_key_is_written_as_an_escape(unseen: str) -> None:
    line = layout.encode_decisions([decision(f"kind{unseen}ly.jpg")])
    assert line.isascii()
    assert unseen.encode() not in line
    assert b"\\u" in line


def test_what_everybody_sees_in_a_key_stays_readable() -> None:
    assert '"key":"日本/ü €.jpg"'.encode() in layout.encode_decisions([decision("日本/ü €.jpg")])
    assert '日本\\u200b"'.encode() in layout.encode_decisions([decision("日本\u200b")])


@pytest.mark.parametrize("key", ["a\ufffdb", f"a{chr(0xD800)}b"])
def test_a_key_whose_real_bytes_are_unknown_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"U\+FFFD|surrogate"):
        layout.encode_decisions([decision("a"), decision(key)])


def test_a_response_of_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="more than one line"):
        layout.encode_decisions([decision("a", response=Raw(b'{"Labels":\n[]}'))])


@pytest.mark.parametrize(
    ("canonical", "other"),
    [
        (b'"size":1234', b'"size": 1234'),
        (b'"size":1234', b'"size":1234.0'),
        (b'"key":"k"', b'"key":"\\u006b"'),
        (b'"key":"k"', b'"key":"x","key":"k"'),
        (b'"labels":["Deer"]', b'"labels":["Deer"],"error":null'),
        (b',"labels":["Deer"]', b',"labels":[]'),
        (b'"response":{', b'"response": {'),
        (b'"Name":"Deer"', b'"Name":"D\xffer"'),
        (b'"action":"keep"', b'"action":"Keep"'),
        (b'"size":1234', b'"size":-1'),
        (b'"rule":"deer"', b'"rule":"deer","extra":1'),
        (b"}", b"},"),
    ],
)
def test_any_other_spelling_of_a_decision_is_refused(canonical: bytes, other: bytes) -> None:
    line = layout.encode_decisions([decision("k")])
    assert line.count(canonical)
    changed = line[: line.rindex(canonical)] + other + line[line.rindex(canonical) + len(canonical) :]
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's words or ours, whoever sees it first
        layout.check_decisions(changed)


def test_an_unseen_character_that_stands_in_a_key_unescaped_is_refused() -> None:
    escaped = layout.encode_decisions([decision("a\u200bb")])
    layout.check_decisions(escaped)
    with pytest.raises(ValueError, match="spelling"):
        layout.check_decisions(escaped.replace(b"\\u200b", "\u200b".encode()))


def test_an_escape_in_the_place_of_a_visible_character_is_refused() -> None:
    escaped = layout.encode_decisions([decision("a\u200bb")])
    with pytest.raises(ValueError, match="spelling"):
        layout.check_decisions(escaped.replace(b'"a\\u', b'"\\u0061\\u'))


def test_the_signed_message_is_that_of_the_dsse_specification() -> None:
    assert layout.signed_message(b"hello") == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"


def test_settling_spells_whole_numbers_as_the_reader_will() -> None:
    once = layout.settle(header())
    assert layout.settle(once) == once
    assert layout.encode(layout.settle(header(detector=once.detector))) == layout.encode(once)
