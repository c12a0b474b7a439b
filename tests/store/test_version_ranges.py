"""Versions of many keys from ranges of a listing, whatever the bucket holds and however oddly the server lists it."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelplan.errors import AwsRefused
from labelplan.model.objects import KeyVersion
from labelplan.store.listing_xml import Marker
from labelplan.store.version_ranges import LARGEST, read_alone, read_ranges
from labelplan.store.versions_xml import VersionsPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


class Listing:
    """A model of ListObjectVersions, as AWS does it; not of its XML. *most*: entries in a page, whatever was asked."""

    def __init__(self, versions: dict[str, int], *, most: int = LARGEST) -> None:
        self.lists = {key: _history(key, count) for key, count in versions.items() if count}
        self.most = most
        self.asked: list[tuple[str, Marker | None, int]] = []

    def __call__(self, prefix: str, after: Marker | None, size: int) -> VersionsPage:
        self.asked.append((prefix, after, size))
        entries = [entry for entry in self.after(after, self.in_turn()) if entry.key.startswith(prefix)]
        page = self.page(entries, min(size, self.most))
        return VersionsPage(page, self.following(page) if len(entries) > len(page) else None)

    def page(self, entries: list[KeyVersion], size: int) -> list[KeyVersion]:
        return entries[:size]

    def in_turn(self) -> list[KeyVersion]:
        return [entry for key in sorted(self.lists, key=str.encode) for entry in self.lists[key]]

    def after(self, after: Marker | None, entries: list[KeyVersion]) -> list[KeyVersion]:
        if after is None:
            return entries
        ids = [entry.version_id for entry in self.lists.get(after.key, ())]
        if after.version_id:
            ids = ids[: ids.index(after.version_id) + 1]
        passed = {(after.key, version_id) for version_id in ids}
        return [one for one in entries if one.key >= after.key and (one.key, one.version_id) not in passed]

    def following(self, page: list[KeyVersion]) -> Marker:
        return Marker(page[-1].key, page[-1].version_id)


class Moto(Listing):
    """Leaves out the first entry after a marker that names no version."""

    def after(self, after: Marker | None, entries: list[KeyVersion]) -> list[KeyVersion]:
        if after is None or after.version_id:
            return super().after(after, entries)
        return [entry for entry in entries if entry.key >= after.key][1:]


class NoMarkers(Listing):
    """Takes every page for the first unless the marker is of a version."""

    def after(self, after: Marker | None, entries: list[KeyVersion]) -> list[KeyVersion]:
        return super().after(after if after and after.version_id else None, entries)


class OnlyKnownKeys(Listing):
    """Finds nothing after the marker of a key that is absent."""

    def after(self, after: Marker | None, entries: list[KeyVersion]) -> list[KeyVersion]:
        return [] if after and after.key not in self.lists else super().after(after, entries)


class Folders(Listing):
    """Sorts by folder, as a file system does: `a/b` before `a-b`, and goes on in that order."""

    def in_turn(self) -> list[KeyVersion]:
        keys = sorted(self.lists, key=lambda key: key.split("/"))
        return [entry for key in keys for entry in self.lists[key]]

    def after(self, after: Marker | None, entries: list[KeyVersion]) -> list[KeyVersion]:
        if after is None:
            return entries
        left = super().after(after, entries)
        return [one for one in left if (one.key.split("/")) >= after.key.split("/")]


class Forgetful(Listing):
    """Names no version in its markers, so that the rest of a key that a page's end has cut is never shown."""

    def following(self, page: list[KeyVersion]) -> Marker:
        return Marker(page[-1].key, "")


class MarkersLast(Listing):
    """Lists all versions of a page before all markers."""

    def __call__(self, prefix: str, after: Marker | None, size: int) -> VersionsPage:
        entries, following = super().__call__(prefix, after, size)
        return VersionsPage(sorted(entries, key=lambda entry: entry.is_delete_marker), following)


class KeysOnly(Listing):
    """Ends pages between keys, and names no version in its markers."""

    def page(self, entries: list[KeyVersion], size: int) -> list[KeyVersion]:
        page: list[KeyVersion] = []
        for _, group in groupby(entries, key=lambda entry: entry.key):
            page += group
            if len(page) >= size:
                break
        return page

    def following(self, page: list[KeyVersion]) -> Marker:
        return Marker(page[-1].key, "")


def _history(key: str, count: int) -> list[KeyVersion]:
    """Make versions, every third a delete marker, newest first; the newest is a second younger than the next."""
    return [
        KeyVersion(
            key=key,
            version_id=f"v{count - at}",
            etag="" if (count - at) % 3 == 0 else f"e{count - at}",
            size=0,
            is_latest=at == 0,
            is_delete_marker=(count - at) % 3 == 0,
            last_modified=NOON - dt.timedelta(seconds=at),
        )
        for at in range(count)
    ]


KEYS = st.text(st.sampled_from("ab/-\U0001f98c\uff5e"), min_size=1, max_size=4)
BUCKETS = st.dictionaries(KEYS, st.integers(0, 7), max_size=25)


def whole(listing: Listing, keys: Iterable[str]) -> dict[str, list[KeyVersion]]:
    return {key: listing.lists.get(key, []) for key in keys}


@given(BUCKETS, st.sets(KEYS, max_size=15), st.integers(1, 9))
def test_every_wanted_key_gets_exactly_its_versions(bucket: dict[str, int], absent: set[str], most: int) -> None:
    listing = Listing(bucket, most=most)
    for keys in (sorted({*bucket, *absent}), sorted(bucket)[::3], sorted(absent)):
        assert read_ranges(keys, listing) == whole(listing, keys)


@pytest.mark.parametrize("kind", [Moto, NoMarkers, OnlyKnownKeys, Folders, KeysOnly, Forgetful])
@given(bucket=BUCKETS, absent=st.sets(KEYS, max_size=15), most=st.integers(8, 20))
def test_an_odd_listing_shows_a_key_as_a_look_at_it_alone_does(
    kind: Callable[..., Listing], bucket: dict[str, int], absent: set[str], most: int
) -> None:
    listing = kind(bucket, most=most)
    keys = sorted({*bucket, *absent})
    assert read_ranges(keys, listing) == {key: read_alone(key, listing) for key in keys}


@given(BUCKETS)
def test_a_page_with_all_markers_last_is_put_in_order_by_time(bucket: dict[str, int]) -> None:
    """But for a key whose latest entry is a version: there is no telling its layout from AWS's."""
    listing = MarkersLast(bucket)
    hidden = {key: entries for key, entries in listing.lists.items() if entries[0].is_delete_marker}
    assert read_ranges(sorted(hidden), listing) == hidden
    every = read_ranges(sorted(listing.lists), listing)
    assert {key: set(map(repr, entries)) for key, entries in every.items()} == {
        key: set(map(repr, entries)) for key, entries in listing.lists.items()
    }


def test_keys_may_come_in_any_order_and_twice() -> None:
    listing = Listing({"a": 1, "b": 2})
    assert read_ranges(["b", "a", "b"], listing) == listing.lists
    assert read_ranges([], listing) == {}


# --- how many requests -----------------------------------------------------------------------------------------------


def numbered(count: int, versions: int = 1) -> dict[str, int]:
    return {f"images/deer/{number:06}.jpg": versions for number in range(count)}


@pytest.mark.parametrize(
    ("versions", "step", "count", "requests"),
    [
        (1, 1, 1000, 2),  # the last key of a full page may have more versions
        (2, 1, 1000, 3),
        (1, 4, 1000, 5),
        (1, 10, 1000, 11),
        (1, 500, 100, 120),
        (1, 1, 3, 2),
    ],
)
def test_wanted_keys_are_read_with_few_requests(versions: int, step: int, count: int, requests: int) -> None:
    listing = Listing(numbered(step * count + 1000, versions))
    keys = sorted(listing.lists)[::step][:count]
    assert read_ranges(keys, listing) == whole(listing, keys)
    assert len(listing.asked) <= requests


def test_keys_far_apart_are_read_in_small_pages() -> None:
    listing = Listing(numbered(50_000))
    keys = sorted(listing.lists)[::1000]
    assert read_ranges(keys, listing) == whole(listing, keys)
    assert sum(size for _, _, size in listing.asked) < 100 * len(keys)


def test_what_lies_between_two_keys_is_not_read_through() -> None:
    listing = Listing({"images/deer": 1, **{f"images/deer-{number}": 1 for number in range(9000)}, "images/deer/": 1})
    keys = ["images/deer", "images/deer/"]
    assert read_ranges(keys, listing) == whole(listing, keys)
    assert len(listing.asked) <= 3


def test_a_key_with_very_many_versions_is_read_in_full_pages() -> None:
    listing = Listing({"a": 1, "b": 5000, "c": 1})
    assert read_ranges(["a", "b", "c"], listing) == listing.lists
    assert len(listing.asked) <= 8


def test_absent_keys_are_looked_at_by_themselves_and_the_others_are_not() -> None:
    listing = Listing(numbered(1000))
    absent = [f"images/deer/{number:06}.png" for number in range(0, 1000, 100)]
    keys = sorted([*listing.lists, *absent])
    assert read_ranges(keys, listing) == whole(listing, keys)
    assert sorted(prefix for prefix, after, _ in listing.asked if after is None) == absent


def test_what_a_server_hides_after_a_marker_costs_one_request_more() -> None:
    listing = Moto(numbered(500))
    assert read_ranges(sorted(listing.lists), listing) == listing.lists
    assert len(listing.asked) <= 3


def test_a_server_that_begins_anew_at_every_marker_is_soon_asked_for_each_key_alone() -> None:
    listing = NoMarkers(numbered(3000))
    keys = sorted(listing.lists)[-100:]
    listing.lists["images/a"] = _history("images/a", 1)
    assert read_ranges(["images/a", *keys], listing) == whole(listing, ["images/a", *keys])
    assert len(listing.asked) <= len(keys) + 10


# --- what never ends -------------------------------------------------------------------------------------------------


def test_a_listing_that_goes_round_in_circles_is_refused_also_where_it_is_asked_about_one_key() -> None:
    (entry,) = _history("a", 1)

    def circle(_prefix: str, _after: Marker | None, _size: int) -> VersionsPage:
        return VersionsPage([entry], Marker("a", "v1"))

    with pytest.raises(AwsRefused, match="goes round in circles"):
        read_ranges(["a", "b"], circle)
    with pytest.raises(AwsRefused, match="goes round in circles"):
        read_alone("a", circle)


def test_a_key_of_which_a_server_shows_no_latest_version_or_one_twice_is_looked_at_by_itself() -> None:
    listing = Listing({"a": 2, "b": 2, "c": 2})
    a, b, c = listing.lists.values()

    def odd(prefix: str, after: Marker | None, size: int) -> VersionsPage:
        if prefix:
            return listing(prefix, after, size)
        return VersionsPage([*a[1:], *b, b[1], *c], None)

    assert read_ranges(["a", "b", "c"], odd) == listing.lists


@pytest.mark.parametrize("others", [0, 900, 9_000, 90_000])
def test_absent_neighbours_are_looked_at_together(others: int) -> None:
    """As after an apply: what is gone lies between what was kept."""
    kept = {f"images/deer/{number:06}.jpg": 1 for number in range(others)}
    listing = Listing({"images/a": 1, **kept, "images/z": 1})
    absent = [f"images/deer/{number:06}.gone" for number in range(0, max(others, 1000), max(others // 1000, 1))]
    assert read_ranges(absent, listing) == whole(listing, absent)
    assert len(listing.asked) <= 3 + others // 1000 * 5 // 4


def test_neighbours_of_which_some_are_there_are_looked_at_together() -> None:
    listing = Listing({**numbered(800), "images/deer/z": 2})
    absent = [f"images/dear/{number}" for number in range(1000)]
    keys = sorted([*listing.lists, *absent])
    assert read_ranges(keys, listing) == whole(listing, keys)
    assert len(listing.asked) <= 4
