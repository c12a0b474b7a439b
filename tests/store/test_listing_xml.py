"""labelplan's reading of a listing beside botocore's of the same bytes, whoever wrote them and however oddly."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import botocore.session
import pytest
from botocore.handlers import decode_list_object_versions
from botocore.parsers import ResponseParserError, create_parser
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from labelplan.errors import AwsRefused
from labelplan.model.objects import S3Object
from labelplan.store.listing_xml import Marker, Page, _read_any, _read_as_written_by_aws, read_page

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AWS = "http://s3.amazonaws.com/doc/2006-03-01/"
MD5 = "9b2cf535f27731c974343645a3985328"


# --- botocore's way -------------------------------------------------------------------------------------------------


@functools.cache
def shape() -> Any:
    model = botocore.session.Session().get_service_model("s3")
    return model.operation_model("ListObjectVersions").output_shape


def as_botocore_reads(body: bytes) -> Page | None:
    """Read a page as boto3 would hand it out; None for what it cannot read, or takes for an error.

    Times are left alone. What stands where only one thing can raises `AssertionError`.
    """
    parser: Any = create_parser("rest-xml")
    parser._timestamp_parser = str
    try:
        page = parser.parse({"status_code": 200, "headers": {}, "body": body}, shape())
    except ResponseParserError:
        return None
    if re.search(rb"<(\w+:)?Error\b", body[:200]):
        return None
    decode_list_object_versions(page, {"encoding_type_auto_set": True})
    current = [entry for entry in page.get("Versions", ()) if entry["IsLatest"]]
    objects = [
        S3Object(entry["Key"], entry.get("VersionId") or "null", entry["ETag"].strip('"'), entry["Size"])
        for entry in current
        if not entry["Key"].startswith(".labelplan/")
    ]
    for one in objects:
        assert all(isinstance(text, str) for text in (one.key, one.version_id, one.etag))
    following = Marker(page["NextKeyMarker"], page.get("NextVersionIdMarker", "")) if page.get("IsTruncated") else None
    return Page(objects, following)


# --- pages ----------------------------------------------------------------------------------------------------------


def version(key: str = "deer/1.jpg", **other: str | None) -> str:
    """Write an entry as AWS does; *other* replaces the text of an element, None leaves it out."""
    texts = {
        "Key": key,
        "VersionId": "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY",
        "IsLatest": "true",
        "LastModified": "2026-11-22T12:00:00.000Z",
        "ETag": f"&quot;{MD5}&quot;",
        "Size": "434234",
        "StorageClass": "STANDARD",
    }
    texts.update({name: text for name, text in other.items() if text is not None})
    for name, text in other.items():
        if text is None:
            del texts[name]
    return f"<Version>{''.join(f'<{name}>{text}</{name}>' for name, text in texts.items())}{OWNER}</Version>"


OWNER = "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>"
MARKER = (
    "<DeleteMarker><Key>deer/0.jpg</Key><VersionId>qDhprLU80sAlCFLu2DWgXAEDgKzWarn-HS_JU0TvYqs.</VersionId>"
    f"<IsLatest>true</IsLatest><LastModified>2026-11-22T12:00:00.000Z</LastModified>{OWNER}</DeleteMarker>"
)
TOP = "<Name>wildlife</Name><Prefix>deer/</Prefix><KeyMarker/><VersionIdMarker/><MaxKeys>1000</MaxKeys>"
URL = "<EncodingType>url</EncodingType>"
MORE = (
    "<NextKeyMarker>deer/1.jpg</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>"
    "<IsTruncated>true</IsTruncated>"
)


def listing(*entries: str, top: str = TOP + URL, more: str = "<IsTruncated>false</IsTruncated>") -> bytes:
    inside = top + more + "".join(entries)
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<ListVersionsResult xmlns="{AWS}">'
    return f"{head}{inside}</ListVersionsResult>".encode()


# --- hand-made ------------------------------------------------------------------------------------------------------

CHECKSUMS = "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"

IN_AWS_LAYOUT = {
    "one": listing(version()),
    "more to come": listing(version(), more=MORE),
    "no url encoding": listing(version("deer/a+b%20c.jpg"), top=TOP),
    "url encoding": listing(version("deer/a+b%20c%2B%C3%A9%0A%01.jpg")),
    "markers and old versions in between": listing(
        MARKER, version(), version(IsLatest="false"), MARKER, version("deer/2.jpg")
    ),
    "checksums": listing(version().replace("<Size>", CHECKSUMS + "<Size>")),
    "owner before class": listing(
        version(StorageClass=None).replace("</Version>", "<StorageClass>GLACIER</StorageClass></Version>")
    ),
    "no owner": listing(version().replace(OWNER, "")),
    "owner with a name": listing(version().replace("</ID>", "</ID><DisplayName>Ötzi, A.</DisplayName>")),
    "multipart": listing(version(ETag=f"&quot;{MD5}-2&quot;")),
    "quotes as they are": listing(version(ETag=f'"{MD5}"')),
    "quotes as numbers": listing(version(ETag=f"&#34;{MD5}&#34;")),
    "times last": re.sub(
        rb"(<LastModified>.*?</LastModified>)(.*?)(</(Version|DeleteMarker)>)",
        rb"\2\1\3",
        listing(version(), version(IsLatest="false"), MARKER),
    ),
    "null version": listing(version(VersionId="null")),
    "unicode": listing(version("deer/é\u0301\U0001f98c.jpg"), top=TOP),
    "run records": listing(version(".labelplan/plans/x"), version(".labelplan2/x"), version("%2Elabelplan%2Fy")),
    "what it says of itself comes last": listing(top="", more=version() + TOP + URL + MORE),
    "no declaration": listing(version()).partition(b"\n")[2],
}

IN_OTHER_LAYOUTS = {
    "no entries": listing(),
    "folders": listing("<CommonPrefixes><Prefix>deer/a+b/</Prefix></CommonPrefixes>"),
    "only a marker": listing(MARKER),
    "no version id": listing(version(VersionId=None)),
    "empty version id": listing(version(VersionId="")),
    "entities in a key": listing(version("a&amp;b&lt;&#x1F98C;&#13;&#xD;&#10;&quot;'.jpg"), top=TOP),
    "CDATA": listing(version("<![CDATA[a<b>&amp;]]>.jpg")),
    "a comment in a key": listing(version("deer/<!-- a -->1.jpg")),
    "a comment between": listing(version(), "<!-- a -->", version("deer/2.jpg")),
    "entries in a comment": listing("<!--" + version() + "-->"),
    "entries in a comment, and an element like labelplan's own": listing("<!--" + version() + "--><LabelplanEntries/>"),
    "entries in CDATA": listing("<![CDATA[" + version() + "]]>"),
    "entries in a processing instruction": listing("<?x " + version() + "?>"),
    "entries deeper down": listing("<Old>" + version() + "</Old>"),
    "entries in two places": listing(version(), TOP.replace("Name", "Other"), version("deer/2.jpg"), top=""),
    "an entry in an entity": listing(version()).replace(
        b"<ListV", f"<!DOCTYPE l [<!ENTITY e '{version('deer/0.jpg')}'>]><ListV".encode(), 1
    ),
    "restore status": listing(version().replace(OWNER, "<RestoreStatus><Size>1</Size></RestoreStatus>")),
    "unquoted ETag": listing(version(ETag=MD5)),
    "line feeds as they are": listing(version("a\r\nb\rc\nd\te"), top=TOP),
    "no namespace": listing(version("a&#9;b")).replace(f' xmlns="{AWS}"'.encode(), b""),
    "another namespace": re.sub(rb"<(/?)(\w)", rb"<\1s3:\2", listing(version())).replace(b"xmlns=", b"xmlns:s3="),
    "indented": listing(version()).replace(b"><", b">\n  <"),
    "attributes": listing(version().replace("<Key>", "<Key a='b'>")),
    "UTF-16": listing(version()).decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + listing(version()),
    "another encoding declared": listing(version("é")).replace(b"UTF-8", b"ISO-8859-1"),
    "an element in a key": listing(version("a<b>c</b>d")),
    "entry of another layout between": listing(version("a"), version("b&#x9;"), version("c")),
    "old versions that lack what only the current one needs": listing(version(IsLatest="false", Size=None, ETag=None)),
    "names of others": listing("<Other><Key>x</Key></Other>", version("a&#9;")),
}


@pytest.mark.parametrize("body", IN_AWS_LAYOUT.values(), ids=IN_AWS_LAYOUT)
def test_a_page_as_aws_writes_it_is_read_as_botocore_reads_it(body: bytes) -> None:
    quick = _read_as_written_by_aws(body)
    assert quick
    assert quick == _read_any(body) == as_botocore_reads(body)


@pytest.mark.parametrize("body", IN_OTHER_LAYOUTS.values(), ids=IN_OTHER_LAYOUTS)
def test_any_other_page_is_read_as_botocore_reads_it(body: bytes) -> None:
    assert read_page(body) == as_botocore_reads(body) is not None


NOT_XML = {
    "cut off": listing(version())[:-10],
    "bad UTF-8": listing(version()).replace(b"deer/1", b"deer/\xff"),
    "an unknown entity": listing(version("&deer;")),
    "a control character": listing(version("a\x01")),
    "a control character's number": listing(version("a&#x1;")),
    "a character that XML forbids": listing(version("a\uffff"), top=TOP),
    "two roots": listing(version()) * 2,
    "an end that is none": listing(version().replace("</Key>", "</Kay>")),
    "]]> in text": listing(version("a]]>b")),
    "text": b"deer",
    "AWS's error": b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>",
    "an error with entries": b"<Error>" + version().encode() + b"</Error>",
}


@pytest.mark.parametrize("body", NOT_XML.values(), ids=NOT_XML)
def test_what_is_no_xml_or_an_error_is_left_to_botocore(body: bytes) -> None:
    assert read_page(body) is None
    assert as_botocore_reads(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b"<html/>",
        b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        b"<A>" + version().encode() + b"</A>",
    ],
)
def test_what_is_not_a_listing_of_versions_is_refused(body: bytes) -> None:
    with pytest.raises(AwsRefused, match="is not a listing"):
        read_page(body)


@pytest.mark.parametrize("name", ["Key", "ETag", "Size", "IsLatest"])
@pytest.mark.parametrize("odd", [None, "", "<a>deer</a>"])
def test_a_server_that_does_not_say_what_s3_says_is_refused(name: str, odd: str | None) -> None:
    body = listing(version().replace("<Key>", "<Key>", 1) if name != "Key" else version())
    body = re.sub(f"<{name}>.*?</{name}>".encode(), b"" if odd is None else f"<{name}>{odd}</{name}>".encode(), body)
    with pytest.raises(AwsRefused, match=f"The server does not say the {name} of"):
        read_page(body)


@pytest.mark.parametrize(
    ("name", "odd"),
    [("Size", "-1"), ("Size", "1 2"), ("Size", "٣"), ("Size", "9" * 5000), ("IsLatest", "True"), ("ETag", '""')],
)
def test_what_makes_no_sense_is_refused(name: str, odd: str) -> None:
    with pytest.raises(AwsRefused, match=f"The server does not say the {name} of 'deer/1.jpg'"):
        read_page(listing(version(**{name: odd})))


def test_what_is_said_twice_is_refused() -> None:
    for twice in (listing(version().replace("<Size>", "<Size>1</Size><Size>")), listing(version(), more=MORE + MORE)):
        with pytest.raises(AwsRefused, match="twice where S3 says it once"):
            read_page(twice)


@pytest.mark.parametrize(
    "more",
    [
        "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>true</IsTruncated><NextKeyMarker/>",
        "<IsTruncated>true</IsTruncated><NextVersionIdMarker>v</NextVersionIdMarker>",
        "<IsTruncated>yes</IsTruncated><NextKeyMarker>a</NextKeyMarker>",
    ],
)
def test_a_listing_that_goes_on_nobody_knows_where_is_refused(more: str) -> None:
    with pytest.raises(AwsRefused, match="does not say where its listing goes on"):
        read_page(listing(version(), more=more))


def test_a_page_of_hostile_text_does_not_take_for_ever() -> None:
    body = listing(version("a" * 200_000).replace("</Version>", "</Versions>"), version() * 2000)
    assert read_page(body) is None


# --- anything -------------------------------------------------------------------------------------------------------

XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r+%&<>'\"]"),
    max_size=12,
)


@st.composite
def written(draw: st.DrawFn, text: str, *, url: bool) -> str:
    """Write text in one of the ways in which XML, and S3's own encoding, can hold it."""
    if url and draw(st.booleans()):
        text = quote_plus(text, safe=draw(st.sampled_from(["/", ""])))
    match draw(st.integers(0, 3)):
        case 0:
            return "".join(f"&#x{ord(one):X};" if ord(one) < 32 or one in "<&>" else one for one in text)
        case 1 if "]]>" not in text:
            return f"<![CDATA[{text}]]>"
        case 2:
            return escape(text, {'"': "&quot;", "\r": "&#13;"}) + "<!-- a -->"
    return escape(text, {'"': "&quot;"})


@st.composite
def pages(draw: st.DrawFn) -> bytes:
    url = draw(st.booleans())
    odd = draw(st.booleans())
    entries = []
    for _ in range(draw(st.integers(0, 5))):
        key = draw(XML_TEXT.filter(bool) if odd else st.from_regex(r"[a-z0-9/%+.é-]{1,20}", fullmatch=True))
        parts = [
            f"<Key>{draw(written(key, url=url)) if odd else key}</Key>",
            f"<VersionId>{draw(st.sampled_from(['null', 'v1', '3sL4+_.-']))}</VersionId>",
            f"<IsLatest>{draw(st.sampled_from(['true', 'true', 'false']))}</IsLatest>",
            "<LastModified>2026-11-22T12:00:00.000Z</LastModified>",
            f"<ETag>{draw(st.sampled_from(['&quot;ab12&quot;', '&quot;ab12-3&quot;', 'ab12', '&#34;x&#34;']))}</ETag>",
            f"<Size>{draw(st.integers(0, 2**50))}</Size>",
            draw(st.sampled_from(["", OWNER, "<StorageClass>STANDARD</StorageClass>", CHECKSUMS])),
        ]
        if odd:
            parts = draw(st.permutations(parts))
        if draw(st.integers(0, 5)) == 0:
            parts = [part for part in parts if not part.startswith("<VersionId")]
        space = draw(st.sampled_from(["", "", "\n  "]))
        entries.append(f"<Version>{space}{space.join(parts)}</Version>{space}")
        entries.append(
            draw(st.sampled_from(["", "", MARKER, "<!-- a -->", "<CommonPrefixes><Prefix>a</Prefix></CommonPrefixes>"]))
        )
    top = TOP + (URL if url else "")
    more = draw(st.sampled_from(["", MORE, "<IsTruncated>false</IsTruncated>"]))
    return (
        listing(*entries, top=top, more=more)
        if draw(st.booleans())
        else listing(top="", more="".join(entries) + top + more)
    )


# in a fresh checkout, Hypothesis makes its table of all characters first
at_leisure = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@at_leisure
@given(pages())
def test_whatever_a_server_may_write_is_read_as_botocore_reads_it(body: bytes) -> None:
    assert read_page(body) == as_botocore_reads(body)


@at_leisure
@given(
    st.sampled_from([*IN_AWS_LAYOUT.values(), *IN_OTHER_LAYOUTS.values()]) | pages(),
    st.lists(
        st.tuples(
            st.floats(0, 1),
            st.integers(0, 12),
            st.sampled_from(
                [
                    b"",
                    b"<",
                    b">",
                    b"&",
                    b"/",
                    b"</Key>",
                    b"<Key>",
                    b"<!--",
                    b"-->",
                    b"]]>",
                    b"<![CDATA[",
                    b"%",
                    b"+",
                    b"\x00",
                    b"\xff",
                    b"\r",
                    b"true",
                    b"<Version>",
                    b"</Version>",
                    b"&quot;",
                ]
            ),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_a_damaged_page_is_read_as_botocore_reads_it_or_not_at_all(
    body: bytes, damages: list[tuple[float, int, bytes]]
) -> None:
    for where, length, instead in damages:
        at = int(where * len(body))
        body = body[:at] + instead + body[at + length :]
    try:
        ours = read_page(body)
    except AwsRefused:
        return
    try:
        theirs = as_botocore_reads(body)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError):
        # botocore cannot read a number or the like that does not matter here: without it, it could
        assume(False)
    assert ours == theirs


def test_what_this_server_writes_is_read_as_botocore_reads_it(s3: S3Client, bucket: str) -> None:
    for key in ("deer/a b+c&d%41#e?.jpg", "deer/é.jpg", "deer/x<y>.jpg", "deer/gone.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
        s3.put_object(Bucket=bucket, Key=key, Body=b"22")
    s3.delete_object(Bucket=bucket, Key="deer/gone.jpg")
    bodies: list[bytes] = []
    s3.meta.events.register(
        "before-parse.s3.ListObjectVersions", lambda response_dict, **_: bodies.append(response_dict["body"])
    )
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}):
        assert page["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(bodies) > 3
    for body in bodies:
        assert read_page(body) == as_botocore_reads(body) is not None
