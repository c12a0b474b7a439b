"""How a listing is read, whatever server made it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from labelplan.errors import AwsRefused
from labelplan.model.objects import KeyVersion, S3Object
from labelplan.store.listing import in_turn, newest_first
from labelplan.store.listing_xml import Marker, Page

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def version(version_id: str, *, latest: bool = False, age: int = 0) -> KeyVersion:
    when = NOON - dt.timedelta(seconds=age)
    return KeyVersion("a", version_id, "e", 1, latest, version_id.startswith("m"), when)


def pages_of(*pages: Page) -> Callable[[Marker | None], Page]:
    left = iter(pages)
    return lambda _marker: next(left)


def page(*keys: str, following: Marker | None = None) -> Page:
    return Page([S3Object(key, "v1", "e", 1) for key in keys], following)


def goes_on(key: str, version_id: str = "v") -> Marker:
    return Marker(key, version_id)


def test_pages_are_asked_for_where_the_one_before_ended() -> None:
    given = {
        None: page("a", following=goes_on("a")),
        goes_on("a"): page(following=goes_on("b")),
        goes_on("b"): page("c"),
    }
    assert list(in_turn(given.__getitem__, "")) == [page("a").objects, page("c").objects]


@pytest.mark.parametrize(("first", "second"), [("b", "a"), ("a", "a"), ("\U0001f98c", "\uff5e")])
def test_keys_out_of_byte_order_or_twice_are_refused(first: str, second: str) -> None:
    with pytest.raises(AwsRefused, match="UTF-8 byte order"):
        list(in_turn(pages_of(page(first, following=goes_on(first)), page(second)), ""))
    with pytest.raises(AwsRefused, match="UTF-8 byte order"):
        list(in_turn(pages_of(page(first, second)), ""))


def test_a_key_whose_bytes_are_unknown_is_refused() -> None:
    with pytest.raises(AwsRefused, match=r"U\+FFFD"):
        list(in_turn(pages_of(page("deer/\ufffd.jpg")), ""))
    with pytest.raises(AwsRefused, match=r"U\+FFFD"):
        list(in_turn(pages_of(page(following=goes_on("deer/\ufffd.jpg"))), ""))


@pytest.mark.parametrize("keys", [("deep/a", "deer/a"), ("deer/a", "elk/a")])
def test_a_key_that_was_not_asked_for_is_refused(keys: tuple[str, ...]) -> None:
    with pytest.raises(AwsRefused, match="which is not under 'deer/'"):
        list(in_turn(pages_of(page(*keys)), "deer/"))


def test_a_marker_may_come_again_after_objects_that_come_in_order() -> None:
    """Markers are the server's own affair, as long as the listing gets on."""
    pages = iter([page("a", following=goes_on("x")), page("b", following=goes_on("x")), page("c")])
    assert len(list(in_turn(lambda _marker: next(pages), ""))) == 3


def test_pages_of_nothing_but_old_versions_that_come_again_are_refused() -> None:
    following = {None: "a", "a": "b", "b": "a"}
    with pytest.raises(AwsRefused, match="goes round in circles"):
        list(in_turn(lambda marker: page(following=goes_on(following[marker.key if marker else None])), ""))


def test_the_order_of_the_listing_counts_also_where_times_differ() -> None:
    """A multipart upload has the time at which it was begun, and lies above what was stored before it ended."""
    listed = [version("m2", latest=True), version("v2", age=9), version("m1", age=3), version("v1", age=4)]
    assert newest_first(listed) == listed


def test_a_server_that_lists_all_versions_before_all_markers_is_put_in_order_by_time() -> None:
    m2, v2, m1, v1 = version("m2", latest=True, age=2), version("v2", age=2), version("m1", age=3), version("v1", age=4)
    assert newest_first([v2, v1, m2, m1]) == [m2, v2, m1, v1]
