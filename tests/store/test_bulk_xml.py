"""What DeleteObjects answers, read in two ways: both to the same result, and the quick one takes nothing unusual."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.store import bulk_xml
from labelplan.store.bulk_xml import Named, read, written

SPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
MADE = "<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>m1</DeleteMarkerVersionId>"


def reply(entries: str, head: str = HEAD, space: str = SPACE) -> bytes:
    return f"{head}<DeleteResult{space}>{entries}</DeleteResult>".encode()


def slowly(body: bytes, monkeypatch: pytest.MonkeyPatch) -> object:
    with monkeypatch.context() as patched:
        patched.setattr(bulk_xml, "_read_plain_yes", lambda _: None)
        return read(body)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)  # what UTF-8 can write

PLAIN = {
    "markers made": reply(f"<Deleted><Key>a</Key>{MADE}</Deleted><Deleted><Key>b</Key>{MADE}</Deleted>"),
    "another order": reply(f"<Deleted>{MADE}<Key>a</Key></Deleted>"),
    "no versioning": reply("<Deleted><Key>a</Key></Deleted>", head="", space=""),
    "a marker removed": reply(f"<Deleted><Key>a</Key><VersionId>m1</VersionId>{MADE}</Deleted>"),
    "said twice": reply("<Deleted><Key>a</Key></Deleted><Deleted><Key>a</Key></Deleted>"),
    "a field twice": reply("<Deleted><Key>a</Key><Key>b</Key></Deleted>"),
    "an empty field": reply("<Deleted><Key></Key><VersionId></VersionId></Deleted>"),
    "odd letters": reply("<Deleted><Key>é\u0301 \U0001f98c\u2028+%41'\"</Key></Deleted>"),
}
OTHER = {
    "an error among them": reply("<Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>SlowDown</Code></Error>"),
    "an entity": reply("<Deleted><Key>a&amp;b</Key></Deleted>"),
    "a line break in a key": reply("<Deleted><Key>a\r\nb</Key></Deleted>"),
    "between the lines": reply("\n  <Deleted>\n  <Key>a</Key>\n  </Deleted>\n"),
    "another field": reply("<Deleted><Key>a</Key><Owner>b</Owner></Deleted>"),
    "an attribute": reply('<Deleted><Key lang="en">a</Key></Deleted>'),
    "a comment": reply("<!--<Deleted><Key>a</Key></Deleted>-->"),
    "marked text": reply("<Deleted><Key><![CDATA[a]]></Key></Deleted>"),
    "nothing": reply(""),
    "empty": b"",
    "an error": b"<Error><Code>AccessDenied</Code></Error>",
    "not XML": b"<html>",
    "cut": reply(f"<Deleted><Key>a</Key>{MADE}</Deleted>")[:-6],
    "more behind": reply("<Deleted><Key>a</Key></Deleted>") + b"<x/>",
    "not UTF-8": reply("<Deleted><Key>a</Key></Deleted>").replace(b"a", b"\xff"),
    "another root": b"<Deletions><Deleted><Key>a</Key></Deleted></Deletions>",
}


@pytest.mark.parametrize("body", PLAIN.values(), ids=PLAIN)
def test_a_plain_yes_is_read_at_once_and_as_xml_would_be(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bulk_xml._read_plain_yes(body)
    assert read(body) == slowly(body, monkeypatch)


@pytest.mark.parametrize("body", OTHER.values(), ids=OTHER)
def test_anything_else_is_left_to_the_xml_parser(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not bulk_xml._read_plain_yes(body)
    assert read(body) == slowly(body, monkeypatch)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=4))
def test_whatever_the_text_both_ways_agree(said: list[tuple[str, str]]) -> None:
    entries = "".join(f"<Deleted><Key>{key}</Key><VersionId>{version}</VersionId></Deleted>" for key, version in said)
    body = reply(entries)
    with pytest.MonkeyPatch.context() as patched:
        slow = slowly(body, patched)
    if bulk_xml._read_plain_yes(body):
        assert read(body) == slow


@given(st.text().filter(bulk_xml.fits))
def test_what_needs_no_escape_is_written_as_it_is_and_the_rest_as_ever(key: str) -> None:
    escaped = key.translate(bulk_xml._ESCAPES)
    assert f"<Key>{escaped}</Key>".encode() in written([Named(key)])
