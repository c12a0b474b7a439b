"""The stand-in that only lists answers as S3 does, in the layout that labelplan reads quickly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
import pytest
from botocore.exceptions import ClientError

from labelplan.model.objects import Target
from labelplan.store.listing_xml import _read_as_written_by_aws
from labelplan.store.s3 import open_reader
from tests.simulators.s3_listing.objects import Objects
from tests.simulators.s3_listing.replies import answer
from tests.simulators.s3_listing.running import running

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT, PREFIXES = 2_503, 3


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running(objects=COUNT, prefixes=PREFIXES) as url:
        yield url


@pytest.fixture
def objects(server: str, monkeypatch: pytest.MonkeyPatch) -> Objects:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    return Objects(COUNT, PREFIXES)


def test_a_reader_finds_all_that_the_numbers_say(objects: Objects, server: str) -> None:
    reader = open_reader("wildlife")
    assert reader.target() == Target(server, "123456789012", "us-east-1", "wildlife", "Enabled")
    listed = [(at, one) for at, page in reader.list_pages(objects.prefixes) for one in page]
    assert [one for _, one in listed] == [objects.at(number) for number in range(COUNT)]
    assert [at for at, _ in listed] == [0] * 835 + [1] * 835 + [2] * 833
    assert list(reader.list_current("images/")) == [one for _, one in listed]
    assert list(reader.list_current("images/001/000000")) == [objects.at(835 + number) for number in range(100)]
    assert list(reader.list_current("deer/")) == []
    assert reader.head(objects[7]) == objects.at(7)
    assert reader.head("images/000/7.jpg") is None


@pytest.mark.usefixtures("objects")
def test_boto3_lists_the_same_whatever_the_size_of_the_pages() -> None:
    client: Any = boto3.session.Session().client("s3")
    for size in (1000, 377):
        pages = client.get_paginator("list_object_versions").paginate(
            Bucket="wildlife", PaginationConfig={"PageSize": size}
        )
        keys = [entry["Key"] for page in pages for entry in page["Versions"]]
        assert keys == Objects(COUNT, PREFIXES)[:]


@pytest.mark.usefixtures("objects")
def test_what_it_does_not_know_it_refuses() -> None:
    client: Any = boto3.session.Session().client("s3")
    with pytest.raises(ClientError, match="NotImplemented"):
        client.get_object(Bucket="wildlife", Key="images/000/00000000.jpg")
    with pytest.raises(ClientError, match="NotImplemented"):
        client.put_object(Bucket="wildlife", Key="x", Body=b"1")


def test_its_pages_are_in_the_layout_that_is_read_quickly() -> None:
    target = f"/wildlife?versions&prefix={quote_plus('images/')}&encoding-type=url"
    _, _, body = answer(Objects(COUNT), "GET", target).partition(b"\r\n\r\n")
    page = _read_as_written_by_aws(body)
    assert page
    assert len(page.objects) == 1000
    assert page.following == (page.objects[-1].key, page.objects[-1].version_id)
