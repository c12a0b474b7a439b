"""The lock on real servers: its conditions are honoured, with the ETag as it is written there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from labelplan.errors import Locked
from labelplan.flow.lock_record import LOCK, find
from labelplan.store.s3 import open_writer
from tests.flow.locking import Clocks, hold, renew
from tests.servers.where import VERSIONED, on

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@on(*VERSIONED)
def test_a_lock_lives_and_can_be_taken_again(plain_bucket: str) -> None:
    writer = open_writer(plain_bucket, account="")
    for generation in (1, 2, 3):
        with hold(writer, Clocks()) as lease:
            assert renew(lease)
            lease.require()
            found = find(writer)
            assert found is not None
            assert (found.lock.generation, found.is_held) == (generation, True)
        found = find(writer)
        assert found is not None
        assert found.lock.released


@on(*VERSIONED)
def test_an_etag_is_taken_with_quotes_and_without(s3: S3Client, plain_bucket: str) -> None:
    etag = s3.put_object(Bucket=plain_bucket, Key=LOCK, Body=b"1")["ETag"].strip('"')
    for wrong in ("0" * 32, f'"{"0" * 32}"'):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket=plain_bucket, Key=LOCK, Body=b"?", IfMatch=wrong)
    second = s3.put_object(Bucket=plain_bucket, Key=LOCK, Body=b"2", IfMatch=etag)["ETag"]
    s3.put_object(Bucket=plain_bucket, Key=LOCK, Body=b"3", IfMatch=f'"{second.strip(chr(34))}"')
    assert s3.get_object(Bucket=plain_bucket, Key=LOCK)["Body"].read() == b"3"


@on("ministack", "seaweedfs")
def test_of_many_who_come_at_once_one_gets_it(plain_bucket: str) -> None:
    """Not on moto, where look and act are two steps."""
    for _ in range(5):
        barrier = threading.Barrier(8)

        def come(number: int, barrier: threading.Barrier = barrier) -> bool:
            writer = open_writer(plain_bucket, account="")
            barrier.wait(60)
            try:
                with hold(writer, Clocks(), f"work {number}"):
                    barrier.wait(60)
            except Locked:
                barrier.wait(60)  # who has it keeps it until all have tried
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(come, range(8))).count(True) == 1
