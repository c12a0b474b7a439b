from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.specfile.text import dotted, plainly
from tests.specfile.making import GOOD, complaint, complaints

MIXED = ", ".join(f"{number}, a{number}" for number in range(20_000))
RULES = "".join(f"  r{number}: {{prefix: p{number}/, accept: [x]}}\n" for number in range(4_000))


@pytest.mark.parametrize(
    "text",
    [
        GOOD + f"protect: [{MIXED}]\n",
        GOOD.replace("images/deer/\n", "a/" * 200_000 + "\n"),
        GOOD.replace("images/deer/\n", "a" * 400_000 + "/\n") + f"    keep: [{'k, ' * 30_000}]\n",
        GOOD + f"threshold: {'1' * 200_000}x\n",
        GOOD + f"threshold: {'1,' * 100_000}x\n",
        GOOD + f"threshold: 1{':1' * 100_000}x\n",
        GOOD + f"  {'n' * 1000}:\n" + "".join(f"    k{number}: 1\n" for number in range(20_000)),
        GOOD + RULES + f"exclude: [{', '.join(f'e{number}' for number in range(20_000))}, x]\n",
    ],
    ids=["mixed", "folders", "keep", "digits", "commas", "sixties", "name", "excluded"],
)
def test_a_spec_of_extremes_is_refused_in_seconds(text: str) -> None:
    start = time.process_time()
    assert complaints(text)
    assert time.process_time() - start < 20  # linear: 1 or 2; quadratic: minutes


def test_of_very_many_problems_the_first_hundred_are_listed_and_the_rest_counted() -> None:
    told = complaints(GOOD + "".join(f"k{number}: 1\n" for number in range(250)))
    assert len(told) == 101
    assert told[99].startswith("106:1: k99: unknown key")
    assert told[100] == "107:1: here the list ends; 150 more were found from here on"
    assert len(complaints(GOOD + "".join(f"k{number}: 1\n" for number in range(100)))) == 100


ESCAPES = r"\e[31m\x9b2J\x7f\u202e\n"


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("images/deer/\n", f'"images/{ESCAPES}"\n'),
        GOOD.replace("images/deer/\n", f'"/images/{ESCAPES}/"\n'),
        GOOD.replace("images/deer/\n", f'"images/{ESCAPES}*"\n'),
        GOOD.replace("  deer:", f'  "{ESCAPES}":'),
        GOOD + f'"{ESCAPES}": 1\n',
        GOOD + f'    accept: ["D{ESCAPES}r"]\n    ignore: ["D{ESCAPES}r"]\n',
        GOOD + f'    accept: ["D{ESCAPES}r"]\n    exclude: ["D{ESCAPES}r"]\n',
        GOOD + f'    keep: ["{ESCAPES}"]\n',
        GOOD + f'protect: ["/{ESCAPES}"]\n',
        GOOD + f'evidence: "{ESCAPES}"\n',
        GOOD + f'    references: ["s3://{ESCAPES}"]\n',
        GOOD + f'"{ESCAPES}": 1\n"{ESCAPES}": 2\n',
    ],
)
def test_what_a_terminal_would_act_upon_is_escaped_in_every_problem(text: str) -> None:
    told = complaints(text)
    assert told
    assert all(line.isprintable() for line in told)


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_any_text_is_made_printable_and_printable_text_stays(text: str) -> None:
    assert plainly(text).isprintable()
    if text.isprintable():
        assert plainly(text) == text


def test_long_keys_and_messages_are_cut() -> None:
    assert dotted(("a" * 101, 0)) == f'["{"a" * 100}…"][0]'
    assert plainly("a" * 2001) == "a" * 2000 + "…"


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("    keep: [images/deer/{}]", "7:12: labels.deer.keep[0]"),
        ("    delete: [{{etag: e, key: images/deer/{}}}]", "7:24: labels.deer.delete[0].key"),
        ("protect: [images/deer/{}]", "7:11: protect[0]"),
    ],
)
def test_a_keys_length_is_that_of_its_utf_8_bytes(line: str, at: str) -> None:
    assert complaints(GOOD + line.format("ö" * 506) + "\n") == []
    said = "has 1,026 bytes as UTF-8, more than the 1,024 that a key may have"
    assert complaint(GOOD + line.format("ö" * 507) + "\n") == f"{at}: {said}"


def test_a_prefix_and_a_references_length_are_that_of_their_utf_8_bytes() -> None:
    said = "has 1,026 bytes as UTF-8, more than the 1,024 that a key may have"
    assert complaint(GOOD.replace("/deer/\n", f"/{'ö' * 509}/\n")) == f"5:5: labels.deer.prefix: {said}"
    assert complaint(GOOD.replace("images/deer/1", "ö" * 511)) == f"6:18: labels.deer.references[0]: {said}"
