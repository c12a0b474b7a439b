"""labelplan's reading of every version and marker of a page beside botocore's of the same bytes, and their order."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from botocore.handlers import decode_list_object_versions
from botocore.parsers import create_parser
from hypothesis import given

from labelplan.errors import AwsRefused
from labelplan.model.objects import KeyVersion
from labelplan.store.listing_xml import Marker
from labelplan.store.versions_xml import VersionsPage, _read_any, _read_as_written_by_aws, read_versions
from tests.store.test_listing_xml import (
    IN_AWS_LAYOUT,
    IN_OTHER_LAYOUTS,
    MARKER,
    NOT_XML,
    at_leisure,
    listing,
    pages,
    shape,
    version,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client


def as_botocore_reads(body: bytes) -> VersionsPage:
    """Read a page as boto3 would hand it out, its two lists put together in the order of the elements."""
    parser: Any = create_parser("rest-xml")
    page = parser.parse({"status_code": 200, "headers": {}, "body": body}, shape())
    decode_list_object_versions(page, {"encoding_type_auto_set": True})
    lists = {"Version": iter(page.get("Versions", ())), "DeleteMarker": iter(page.get("DeleteMarkers", ()))}
    names = [name for name in names_in(body) if name in lists]
    entries = [_entry(next(lists[name]), is_marker=name == "DeleteMarker") for name in names]
    following = Marker(page["NextKeyMarker"], page.get("NextVersionIdMarker", "")) if page.get("IsTruncated") else None
    return VersionsPage(entries, following)


def names_in(body: bytes) -> Iterator[str]:
    parser = ET.XMLParser(encoding="utf-8")  # noqa: S314 - our own bytes
    parser.feed(body)
    root: ET.Element = parser.close()
    return (child.tag.rpartition("}")[2] for child in root)


def _entry(entry: Any, *, is_marker: bool) -> KeyVersion:
    return KeyVersion(
        entry["Key"],
        entry.get("VersionId") or "null",
        entry.get("ETag", "").strip('"'),
        entry.get("Size", 0),
        entry["IsLatest"],
        is_marker,
        entry["LastModified"],
        entry.get("StorageClass", ""),
    )


OLD_WITHOUT = "old versions that lack what only the current one needs"


@pytest.mark.parametrize("body", IN_AWS_LAYOUT.values(), ids=IN_AWS_LAYOUT)
def test_a_page_as_aws_writes_it_is_read_as_botocore_reads_it(body: bytes) -> None:
    quick = _read_as_written_by_aws(body)
    assert quick
    assert quick == _read_any(body) == as_botocore_reads(body)


@pytest.mark.parametrize("name", [name for name in IN_OTHER_LAYOUTS if name != OLD_WITHOUT])
def test_any_other_page_is_read_as_botocore_reads_it(name: str) -> None:
    body = IN_OTHER_LAYOUTS[name]
    assert read_versions(body) == as_botocore_reads(body)


@pytest.mark.parametrize("body", NOT_XML.values(), ids=NOT_XML)
def test_what_is_no_xml_or_an_error_is_left_to_botocore(body: bytes) -> None:
    assert read_versions(body) is None


@at_leisure
@given(pages())
def test_whatever_a_server_may_write_is_read_as_botocore_reads_it(body: bytes) -> None:
    assert read_versions(body) == as_botocore_reads(body)


def test_all_that_an_entry_says_is_read() -> None:
    body = listing(version(IsLatest="false", StorageClass="GLACIER", LastModified="2026-11-22T12:00:00.250Z"), MARKER)
    noon = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    for page in (_read_as_written_by_aws(body), _read_any(body)):
        assert page == VersionsPage(
            [
                KeyVersion(
                    "deer/1.jpg",
                    "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY",
                    "9b2cf535f27731c974343645a3985328",
                    434234,
                    False,
                    False,
                    noon.replace(microsecond=250_000),
                    "GLACIER",
                ),
                KeyVersion("deer/0.jpg", "qDhprLU80sAlCFLu2DWgXAEDgKzWarn-HS_JU0TvYqs.", "", 0, True, True, noon),
            ],
            None,
        )


def test_versions_and_markers_of_one_second_keep_the_order_of_the_reply() -> None:
    one, two = (version(VersionId=f"v{number}", IsLatest="false") for number in (1, 2))
    above, between = (MARKER.replace("qDhp", f"m{number}") for number in (2, 1))
    for space in ("", "\n"):
        page = read_versions(listing(above, space, two, space, between, space, one))
        assert page
        assert [entry.version_id[:2] for entry in page.entries] == ["m2", "v2", "m1", "v1"]


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("Key", ""),
        ("IsLatest", "True"),
        ("IsLatest", None),
        ("LastModified", None),
        ("LastModified", "?"),
        ("LastModified", "2026-13-22T12:00:00.000Z"),
        ("LastModified", "2026-11-22T12:00:00.000"),
        ("ETag", None),
        ("ETag", '""'),
        ("Size", None),
        ("Size", "-1"),
    ],
)
def test_a_server_that_does_not_say_what_s3_says_of_every_version_is_refused(name: str, odd: str | None) -> None:
    made: Any = version
    with pytest.raises(AwsRefused, match=f"The server does not say the {name} of"):
        read_versions(listing(version(), made(**{name: odd})))


@pytest.mark.parametrize("name", ["Key", "IsLatest", "LastModified"])
def test_a_server_that_does_not_say_what_s3_says_of_a_marker_is_refused(name: str) -> None:
    with pytest.raises(AwsRefused, match=f"The server does not say the {name} of"):
        read_versions(listing(re.sub(f"<{name}>.*?</{name}>", "", MARKER)))


@pytest.mark.parametrize("entry", [version(), MARKER])
def test_a_time_that_is_said_twice_is_refused(entry: str) -> None:
    time = "<LastModified>2026-11-22T12:00:00.000Z</LastModified>"
    with pytest.raises(AwsRefused, match="LastModified twice"):
        read_versions(listing(re.sub("(</Version>|</DeleteMarker>)", rf"{time}\1", entry)))


def test_what_is_said_twice_is_refused() -> None:
    with pytest.raises(AwsRefused, match="StorageClass twice"):
        read_versions(listing(version().replace("</Version>", "<StorageClass>GLACIER</StorageClass></Version>")))


def test_a_page_of_hostile_text_does_not_take_for_ever() -> None:
    body = listing(version("a" * 200_000).replace("</Version>", "</Versions>"), version() * 2000)
    assert read_versions(body) is None


def test_what_this_server_writes_is_read_as_botocore_reads_it(s3: S3Client, bucket: str) -> None:
    for key in ("deer/a b+c&d%41#e?.jpg", "deer/é.jpg", "deer/gone.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
        s3.put_object(Bucket=bucket, Key=key, Body=b"22")
    s3.delete_object(Bucket=bucket, Key="deer/gone.jpg")
    bodies: list[bytes] = []
    s3.meta.events.register(
        "before-parse.s3.ListObjectVersions", lambda response_dict, **_: bodies.append(response_dict["body"])
    )
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}):
        assert page["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(bodies) == 4
    for body in bodies:
        assert read_versions(body) == as_botocore_reads(body)
