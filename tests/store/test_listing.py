"""How a listing is read, whatever server made it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from labelplan.errors import AwsRefused
from labelplan.store.listing import current_objects, in_order, keep_order, newest_first

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def entry(key: str, version: str = "v1", *, latest: bool = True, age: int = 0) -> dict[str, Any]:
    when = NOON - dt.timedelta(seconds=age)
    return {"Key": key, "VersionId": version, "ETag": '"e"', "Size": 1, "IsLatest": latest, "LastModified": when}


@pytest.mark.parametrize(("first", "second"), [("b", "a"), ("a", "a"), ("\U0001f98c", "\uff5e")])
def test_keys_out_of_byte_order_or_twice_are_refused(first: str, second: str) -> None:
    pages = [{"Versions": [entry(first)]}, {"Versions": [entry(second)]}]
    with pytest.raises(AwsRefused, match="UTF-8 byte order"):
        list(current_objects(pages))


def test_a_key_whose_bytes_are_unknown_is_refused() -> None:
    with pytest.raises(AwsRefused, match=r"U\+FFFD"):
        list(current_objects([{"Versions": [entry("deer/\ufffd.jpg")]}]))


def test_older_versions_do_not_disturb_the_order() -> None:
    page = {"Versions": [entry("a", "v2"), entry("a", "v1", latest=False), entry("b")], "DeleteMarkers": [entry("c")]}
    assert [(one.key, one.version_id) for one in current_objects([page, {}])] == [("a", "v2"), ("b", "v1")]


XML = (
    '<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>wildlife</Name>'
    "<DeleteMarker/><Version/><DeleteMarker/><Version/><CommonPrefixes/></ListVersionsResult>"
)


def page_of(xml: str, **lists: Any) -> dict[str, Any]:
    page: dict[str, Any] = lists
    keep_order({"status_code": 200, "body": xml.encode()}, page)
    return page


def test_versions_and_markers_of_one_second_keep_the_order_of_the_reply() -> None:
    page = page_of(
        XML,
        DeleteMarkers=[entry("a", "m2"), entry("a", "m1", latest=False)],
        Versions=[entry("a", "v2", latest=False), entry("a", "v1", latest=False)],
    )
    assert [one.version_id for one in newest_first(in_order(page))] == ["m2", "v2", "m1", "v1"]


def test_the_order_of_the_reply_counts_also_where_times_differ() -> None:
    """A multipart upload has the time at which it was begun, and lies above what was stored before it ended."""
    page = page_of(
        XML,
        DeleteMarkers=[entry("a", "m2"), entry("a", "m1", latest=False, age=3)],
        Versions=[entry("a", "v2", latest=False, age=9), entry("a", "v1", latest=False, age=4)],
    )
    assert [one.version_id for one in newest_first(in_order(page))] == ["m2", "v2", "m1", "v1"]


def test_an_error_reply_has_no_order() -> None:
    page: dict[str, Any] = {}
    keep_order({"status_code": 403, "body": b"<Error/>"}, page)
    assert page == {}


def test_a_server_that_lists_all_versions_before_all_markers_is_put_in_order_by_time() -> None:
    page = page_of(
        XML.replace("<DeleteMarker/><Version/>" * 2, "<Version/>" * 2 + "<DeleteMarker/>" * 2),
        Versions=[entry("a", "v2", latest=False, age=2), entry("a", "v1", latest=False, age=4)],
        DeleteMarkers=[entry("a", "m2", age=2), entry("a", "m1", latest=False, age=3)],
    )
    assert [one.version_id for one in newest_first(in_order(page))] == ["m2", "v2", "m1", "v1"]


@pytest.mark.parametrize("name", ["Key", "ETag", "Size", "IsLatest"])
@pytest.mark.parametrize("odd", [None, ""])
def test_a_server_that_does_not_say_what_s3_says_is_refused(name: str, odd: str | None) -> None:
    with pytest.raises(AwsRefused, match=f"The server does not say the {name} of"):
        list(current_objects([{"Versions": [entry("deer/1.jpg") | {name: odd}]}]))


def test_entries_that_the_parser_did_not_give_are_refused() -> None:
    with pytest.raises(AwsRefused, match="does not say the Key of"):
        in_order(page_of(XML))
