"""Listings of the simulated S3: complete, exact and in byte order at any page size, and in AWS's layout."""

from __future__ import annotations

import random
from http.client import HTTPConnection
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from labelplan.store import listing_xml
from tests.simulators.s3.asking import Place, client
from tests.simulators.s3.order import MOST, Order
from tests.simulators.s3.running import Simulator, running

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PAGES = 4 * 50

ODD = (
    "plain", "a b", "a+b", "%41", "a&b", "<x>", '"q"', "'s'", "?#", "nl\nx", "cr\rx", "tab\tx", "\x01", "\x7f", "*",
    "~", "\u2028", "\ufeffbom", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "größe", "gro\u0308ße", "鹿",
    "dir/", "/lead", "//dbl", ".", "..", "a/../b", "a/b", "a//b", "back\\slash", "a", "A", "a/", "é" * 512, "x" * 1024,
)  # fmt: skip


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def place(simulator: Simulator) -> Place:
    """Odd keys: each with two versions, every third with a delete marker on top."""
    one = Place(simulator, client(simulator))
    one.turn("Enabled")
    shuffled = random.Random(4).sample(ODD, len(ODD))  # noqa: S311 - an order
    for body in (b"1", b"2"):
        for key in shuffled:
            one.put(key, body)
    for key in sorted(ODD)[::3]:
        one.ask("delete_object", Key=key)
    return one


def raw(place: Place, query: str) -> bytes:
    connection = HTTPConnection(urlsplit(place.simulator.url).netloc, timeout=10)
    try:
        connection.request("GET", f"/{place.name}?{query}")
        return connection.getresponse().read()
    finally:
        connection.close()


def paged(place: Place, operation: str, size: int, **more: Any) -> list[dict[str, Any]]:
    config = {"PageSize": size}
    pages = place.s3.get_paginator(operation).paginate(Bucket=place.name, PaginationConfig=config, **more)
    found = list(islice(pages, MOST_PAGES))
    assert len(found) < MOST_PAGES, "the pages do not end"
    return found


SORTED = sorted(ODD, key=str.encode)
CURRENT = [key for number, key in enumerate(sorted(ODD)) if number % 3]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_versions_are_exact_at_any_page_size(place: Place, size: int) -> None:
    pages = paged(place, "list_object_versions", size)
    versions = [one for page in pages for one in page.get("Versions", ())]
    markers = [one for page in pages for one in page.get("DeleteMarkers", ())]
    assert [one["Key"] for one in versions[::2]] == [one["Key"] for one in versions[1::2]] == SORTED
    assert [one["Key"] for one in markers] == SORTED[::3]
    assert all(newer["ETag"] != older["ETag"] for newer, older in zip(versions[::2], versions[1::2], strict=True))
    assert [one["Key"] for one in versions if one["IsLatest"]] == CURRENT
    assert all(one["IsLatest"] for one in markers)
    assert all(len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ())) <= size for page in pages)


@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_current_objects_are_exact_at_any_page_size(place: Place, operation: str, size: int) -> None:
    found = [one["Key"] for page in paged(place, operation, size) for one in page.get("Contents", ())]
    assert found == CURRENT


def test_a_listing_begins_after_a_key(place: Place) -> None:
    first, last = CURRENT[5], CURRENT[-1]
    found = place.ask("list_objects_v2", StartAfter=first)
    assert ([one["Key"] for one in found["Contents"]], found["StartAfter"]) == (CURRENT[6:], first)
    assert "Contents" not in place.ask("list_objects_v2", StartAfter=last)
    versions = place.ask("list_object_versions", KeyMarker=first)["Versions"]
    assert versions[0]["Key"] == SORTED[SORTED.index(first) + 1]


@pytest.mark.parametrize("prefix", ["a", "a/", "", "/", "\U0010ffff", "gro", "nothing"])
def test_a_prefix_is_kept_to(place: Place, prefix: str) -> None:
    expected = [key for key in CURRENT if key.startswith(prefix)]
    assert [one["Key"] for one in place.ask("list_objects_v2", Prefix=prefix).get("Contents", ())] == expected
    versions = place.ask("list_object_versions", Prefix=prefix).get("Versions", ())
    assert {one["Key"] for one in versions} == {key for key in ODD if key.startswith(prefix)}


@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects", "list_object_versions"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_delimiter_groups_keys(place: Place, operation: str, size: int) -> None:
    keys = SORTED if operation == "list_object_versions" else CURRENT
    pages = paged(place, operation, size, Delimiter="/")
    groups = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ())]
    assert groups == sorted({key.partition("/")[0] + "/" for key in keys if "/" in key})
    entries = [one["Key"] for page in pages for name in ("Contents", "Versions") for one in page.get(name, ())]
    assert set(entries) == {key for key in keys if "/" not in key}


def test_a_marker_may_be_gone_meanwhile(simulator: Simulator) -> None:
    place = Place(simulator, client(simulator))
    place.put("key", b"null")
    place.turn("Enabled")
    ids = [place.ask("put_object", Key="key", Body=b"x")["VersionId"] for _ in range(4)]
    page = place.ask("list_object_versions", MaxKeys=2)
    assert page["NextVersionIdMarker"] == ids[2]
    place.ask("delete_object", Key="key", VersionId=ids[2])
    rest = place.ask("list_object_versions", KeyMarker="key", VersionIdMarker=ids[2])["Versions"]
    assert [one["VersionId"] for one in rest] == [ids[1], ids[0], "null"]
    assert not any(one["IsLatest"] for one in rest)
    assert "Versions" not in place.ask("list_object_versions", KeyMarker="key", VersionIdMarker="null")


def test_arguments_that_are_none_are_refused(place: Place) -> None:
    refused = place.refused
    assert refused("list_object_versions", VersionIdMarker="null") == "400 InvalidArgument"
    assert refused("list_object_versions", KeyMarker="a", VersionIdMarker="zz") == "400 InvalidArgument"
    assert refused("list_objects_v2", ContinuationToken="a") == "400 InvalidArgument"
    assert refused("list_objects_v2", MaxKeys=-1) == "400 InvalidArgument"
    assert refused("list_objects_v2", EncodingType="xml") == "400 InvalidArgument"
    empty = place.ask("list_objects_v2", MaxKeys=0)
    assert (empty["KeyCount"], empty["IsTruncated"]) == (0, False)
    assert place.ask("list_objects_v2", MaxKeys=5000)["MaxKeys"] == 1000
    assert "Owner" in place.ask("list_objects_v2", FetchOwner=True)["Contents"][0]


def test_the_fast_reader_reads_its_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_xml, "_read_any", lambda _body: pytest.fail("read the slow way"))
    body = raw(place, "versions&encoding-type=url&prefix=a")
    page = listing_xml.read_page(body)
    assert page
    assert [one.key for one in page.objects] == [key for key in CURRENT if key.startswith("a")]
    versions = place.ask("list_object_versions", Prefix="a")["Versions"]
    assert [one.version_id for one in page.objects] == [one["VersionId"] for one in versions if one["IsLatest"]]
    truncated = listing_xml.read_page(raw(place, "versions&encoding-type=url&max-keys=4"))
    assert truncated
    assert truncated.following


def test_elements_stand_in_awss_order(place: Place) -> None:
    body = raw(place, "versions&encoding-type=url&max-keys=1&key-marker=a&prefix=a").decode()
    names = ["Name", "Prefix", "KeyMarker", "VersionIdMarker", "NextKeyMarker", "NextVersionIdMarker", "MaxKeys",
             "EncodingType", "IsTruncated", "Version", "Key", "VersionId", "IsLatest", "LastModified", "ETag",
             "ChecksumAlgorithm", "ChecksumType", "Size", "StorageClass", "Owner"]  # fmt: skip
    places = [body.index(f"<{name}>") for name in names]
    assert all(earlier < later for earlier, later in pairwise(places))


def test_without_url_encoding_a_forbidden_character_is_written_as_s3_writes_it(place: Place) -> None:
    body = raw(place, "versions")
    assert b"<Key>&#x1;</Key>" in body
    assert b"<Key>&lt;x&gt;</Key>" in body
    assert b"<Key>a b</Key>" in body
    encoded = raw(place, "versions&encoding-type=url")
    assert all(f"<Key>{key}</Key>".encode() in encoded for key in ("a+b", "a%2Bb", "%2541", "dir/", "*", "%01"))


def test_an_order_of_many_keys_stays_one() -> None:
    chance = random.Random(7)  # noqa: S311 - an order
    order, held = Order(), {f"{chance.random()}" for _ in range(MOST * 3)}
    order.fill(held)
    for _ in range(MOST * 4):
        key = f"{chance.random()}"
        order.add(key)
        held.add(key)
    for key in chance.sample(sorted(held), MOST * 6):
        order.remove(key)
        held.remove(key)
    order.fill(["0.5x", "~"])
    expected = sorted(held | {"0.5x", "~"})
    assert list(order.at_least("")) == expected
    assert list(order.at_least("0.5")) == [key for key in expected if key >= "0.5"]
    for key in expected:
        order.remove(key)
    assert list(order.at_least("")) == []
