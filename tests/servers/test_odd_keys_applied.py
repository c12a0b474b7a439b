"""Odd keys through a whole apply and undo: each goes and comes back by itself, and its neighbours stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from labelplan.store.s3 import open_reader
from tests.flow.applying import history
from tests.servers.acting import Mode, applied, planned, undone
from tests.servers.odd_keys import ODD_KEYS, ODDITIES, UNLISTABLE, Oddities
from tests.servers.test_odd_keys import LISTABLE, put_all
from tests.servers.where import VERSIONED, on

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.servers.running import Server


def body(s3: S3Client, bucket: str, key: str) -> bytes | None:
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError:
        return None


def bodies(s3: S3Client, bucket: str) -> dict[str, bytes | None]:
    """What is under each odd key; asked one by one, since listings name some of them wrong."""
    return {key: body(s3, bucket, key) for key in ODD_KEYS.values()}


def staying(odd: Oddities, delete: Collection[str], mode: Mode) -> dict[str, str]:
    """Which of the planned keys this server, or the name of a copy, does not let go, and what becomes of each."""
    stay = dict.fromkeys(odd.listed_as.values(), "gone" if mode == "versioning" else "failed")
    stay |= dict.fromkeys(odd.emptied, "failed")  # never the ETag that it lists
    if mode == "copy":
        stay[ODD_KEYS["1,024 bytes"]] = "failed"  # its copy's name would be longer still
    return {key: outcome for key, outcome in stay.items() if key in delete}


@pytest.fixture(params=["versioning", "copy"])
def mode(request: pytest.FixtureRequest) -> Mode:
    found: Mode = request.param
    return found


@pytest.fixture
def where(mode: Mode, bucket: str, plain_bucket: str) -> str:
    return bucket if mode == "versioning" else plain_bucket


@pytest.mark.parametrize("half", [0, 1], ids=["one half", "other half"])
@on(*VERSIONED)
def test_each_goes_and_comes_back_and_its_neighbours_stay(  # noqa: PLR0913 - fixtures
    s3: S3Client, server: Server, where: str, tmp_path: Path, *, mode: Mode, half: int
) -> None:
    if (mode, server.name) == ("copy", "moto"):
        pytest.skip("moto does not compare what is copied, so apply refuses to make copies there")
    odd = ODDITIES[server.name]
    put_all(s3, where, LISTABLE)
    before, versions = bodies(s3, where), history(s3, where)
    delete = [one.key for one in open_reader(where).list_current("")][half::2]
    stay = staying(odd, delete, mode)

    run = applied(planned(tmp_path, where, delete, mode), where)
    assert {one.key: one.outcome for one in run.others} == stay
    assert all(one.message for one in run.others)
    gone = {key for key in ODD_KEYS.values() if odd.kept_as.get(key, key) in set(delete) - set(stay)}
    assert bodies(s3, where) == {key: None if key in gone else body for key, body in before.items()}

    back = undone(run.run)
    assert back.others == ()
    assert bodies(s3, where) == before
    if mode == "versioning":
        assert history(s3, where) == versions


@pytest.mark.parametrize("other", ["a", "z"])
@on("simulator")
def test_a_key_that_xml_cannot_carry_goes_and_comes_back(
    s3: S3Client, where: str, tmp_path: Path, *, mode: Mode, other: str
) -> None:
    put_all(s3, where, [UNLISTABLE, other])
    run = applied(planned(tmp_path, where, [UNLISTABLE, other], mode), where)
    assert (run.counts, body(s3, where, UNLISTABLE)) == ({"deleted": 2}, None)
    assert undone(run.run).counts == {"restored": 2}
    assert [body(s3, where, key) for key in (UNLISTABLE, other)] == [UNLISTABLE.encode(), other.encode()]
