"""Odd keys on every server: each is handled as itself, or refused with a reason, and never taken for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from labelplan.errors import AwsRefused
from labelplan.store.s3 import open_reader, open_writer
from tests.servers.odd_keys import ODD_KEYS, ODDITIES, UNLISTABLE
from tests.servers.where import VERSIONED, on

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_s3 import S3Client

    from tests.servers.running import Server

LISTABLE = [key for key in ODD_KEYS.values() if key != UNLISTABLE]


def put_all(s3: S3Client, bucket: str, keys: Iterable[str]) -> set[str]:
    """Store each key with itself as content; return those that the server would not take."""
    refused = set()
    for key in keys:
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
        except ClientError:
            refused.add(key)
    return refused


def test_there_are_as_many_as_are_talked_of() -> None:
    assert len(ODD_KEYS) == len(set(ODD_KEYS.values())) == 42
    assert all(len(key.encode()) <= 1024 for key in ODD_KEYS.values())


@on(*VERSIONED)
def test_each_key_is_listed_as_it_is_or_as_the_server_is_known_to(s3: S3Client, server: Server, bucket: str) -> None:
    odd = ODDITIES[server.name]
    assert put_all(s3, bucket, LISTABLE) == odd.refused
    stored = {odd.kept_as.get(key, key): key.encode() for key in LISTABLE if key not in odd.refused}
    reader = open_reader(bucket)
    listed = {one.key: reader.fetch(one, 2000) for one in reader.list_current("")}
    bodies: dict[str, bytes | None] = {key: b"" if key in odd.emptied else body for key, body in stored.items()}
    for key, other in odd.listed_as.items():
        assert bodies.pop(key) is not None
        bodies[other] = None  # nothing of that name is there
    assert listed == bodies
    assert list(listed) == sorted(listed, key=str.encode)


@on(*VERSIONED)
def test_the_versions_of_each_key_are_its_own(s3: S3Client, server: Server, bucket: str) -> None:
    odd = ODDITIES[server.name]
    put_all(s3, bucket, LISTABLE)
    keys = sorted({odd.kept_as.get(key, key) for key in LISTABLE} - odd.refused, key=str.encode)
    ids: list[str] = []
    for key, found in open_writer(bucket).versions_of(keys).items():
        assert {one.key for one in found} <= {key}
        assert len(found) == (key not in odd.listed_as)
        ids += [one.version_id for one in found if key not in odd.emptied]  # these are `null`
    assert len(ids) == len(set(ids)) == len(keys) - len(odd.listed_as) - len(odd.emptied)


@on("simulator")
def test_a_key_that_xml_cannot_carry_is_listed(s3: S3Client, bucket: str) -> None:
    put_all(s3, bucket, [UNLISTABLE])
    assert [one.key for one in open_reader(bucket).list_current("")] == [UNLISTABLE]


@on("moto", "ministack", "seaweedfs")
def test_a_bucket_whose_listing_breaks_at_a_key_is_refused(s3: S3Client, bucket: str) -> None:
    put_all(s3, bucket, ["a", UNLISTABLE])
    with pytest.raises(AwsRefused, match=r"Cannot list s3://|its real name is unknown"):
        list(open_reader(bucket).list_current(""))
