"""What the probe finds on each server is what the server does, and it leaves nothing but its canaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.model.run import Capabilities
from labelplan.store.s3 import open_writer
from tests.servers.where import on
from tests.wire import recorded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.servers.running import Server

ALL = Capabilities(
    bulk_delete=True,
    single_delete=True,
    copy_source=True,
    copy_absent=True,
    put_absent=True,
    put_match=True,
    tags=True,
)
LACKS = {
    "simulator": set(),
    "seaweedfs": set(),
    "ministack": {"copy_absent"},
    "moto": {"bulk_delete", "copy_source", "copy_absent"},
    "rclone": set(Capabilities.__struct_fields__),
}
"""Seen with bare clients: docs/decisions/0011-real-servers.md."""

everywhere = on(*LACKS)


def without(*lacking: str) -> Capabilities:
    return Capabilities(**{name: name not in lacking for name in Capabilities.__struct_fields__})


@everywhere
def test_the_probe_finds_what_a_server_ignores(server: Server, plain_bucket: str) -> None:
    assert open_writer(plain_bucket).probe() == without(*LACKS[server.name])


@on(*(name for name in LACKS if name != "rclone"))
def test_versioning_makes_no_difference(server: Server, bucket: str) -> None:
    assert open_writer(bucket).probe() == without(*LACKS[server.name])


@everywhere
def test_a_probe_touches_nothing_but_its_own_canaries(s3: S3Client, plain_bucket: str) -> None:
    s3.put_object(Bucket=plain_bucket, Key="deer/1.jpg", Body=b"deer")
    with recorded() as wire:
        open_writer(plain_bucket).probe()
    changing = [one for one in wire.sent if one.changes]
    assert changing
    assert all(one.key.startswith(".labelplan/probe/") or "delete" in one.query for one in changing)
    assert not [one for one in wire.sent if "versionId" in one.query]
    assert s3.get_object(Bucket=plain_bucket, Key="deer/1.jpg")["Body"].read() == b"deer"


@pytest.mark.parametrize("times", [2])
@everywhere
def test_a_bucket_can_be_probed_again(server: Server, plain_bucket: str, times: int) -> None:
    found = {open_writer(plain_bucket).probe() for _ in range(times)}
    assert found == {without(*LACKS[server.name])}
