from __future__ import annotations

import codecs

import pytest

from labelplan.specfile.encoding import MAX_BYTES, decode
from tests.specfile.making import GOOD, complaint, complaints, rule


def test_the_byte_order_mark_that_windows_writes_is_no_part_of_the_text() -> None:
    assert decode(codecs.BOM_UTF8 + b"a: 1", "spec.yaml") == "a: 1"
    assert complaint(codecs.BOM_UTF8 + b"verzion: 1\n" + GOOD.partition("\n")[2].encode()).startswith("1:1: verzion")


def test_windows_line_endings_count_as_one_line() -> None:
    text = (GOOD + "    threshold: 850\n").replace("\n", "\r\n")
    assert complaint(text) == "7:5: labels.deer.threshold: 850 is more than the maximum of 100"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_another_unicode_encoding_is_named(encoding: str) -> None:
    content = GOOD.encode(encoding)
    if encoding == "utf-16-be":
        content = codecs.BOM_UTF16_BE + content
    assert complaint(content) == f"1:1: the file is in {encoding[:6].upper()}: save it as UTF-8"


def test_a_byte_that_is_not_utf8_is_told_at_its_place() -> None:
    assert complaint(b"version: 1\n# \xc3\xa9 caf\xe9\n") == "2:8: byte 0xE9 is not UTF-8: save the file as UTF-8"


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_every_line_break_of_yaml_counts_before_a_byte_that_is_not_utf8(line_break: str) -> None:
    assert complaint(f"a: 1{line_break}b: ".encode() + b"\xff").startswith("2:4: byte 0xFF")


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x85", "\u200b", "\u2028", "\u202e", "\u2066", "\ufeff"])
def test_a_character_that_no_reviewer_sees_is_refused_by_name(character: str) -> None:
    said = complaint(f"bucket: wild{character}life\n")
    assert said.startswith(f"1:13: the character U+{ord(character):04X} (")
    assert "cannot be seen in a review" in said


def test_letters_of_every_script_are_fine() -> None:
    assert rule(GOOD + "    accept: [Rehgehörn, 鹿, Олень, 🦌]\n").accept[1].label == "鹿"


def test_a_spec_of_the_largest_size_is_read_and_a_larger_one_refused() -> None:
    padding = "#" * (MAX_BYTES - len(GOOD))
    assert complaints(GOOD + padding) == []
    assert complaint(GOOD + padding + "#") == "1:1: the file is larger than the 1,024 kB that a spec may have"
