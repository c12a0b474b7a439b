"""Every cell of docs/preservation.md: an object with that attribute is deleted and brought back, and compared."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from labelplan.model.run import Capabilities
from labelplan.store.s3 import S3Writer
from tests.servers.acting import Mode, applied, planned, undone
from tests.servers.preservation import KEPT, PAGE, ROWS, Row, page
from tests.servers.where import one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.servers.running import Server

MODES: tuple[Mode, ...] = ("versioning", "copy")


class Seen(NamedTuple):
    """One object's story. *why*: what apply said of it if it did not delete it."""

    before: Any
    why: str
    meanwhile: bool
    undone: str
    after: Any


def cells() -> Iterator[Any]:
    for row in ROWS:
        for mode in MODES:
            for name in row.on:
                server = one(name)
                yield pytest.param(row, mode, *server.values, id=f"{row.name}-{mode}-{name}", marks=server.marks)


@pytest.fixture(scope="module")
def stories() -> dict[tuple[str, Mode, bool, bool], dict[str, Seen]]:
    """What was seen, by server, mode, and what sets rows apart: one apply and undo for all that go together."""
    return {}


@pytest.fixture
def story(
    s3: S3Client, server: Server, tmp_path: Path, stories: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Row, Mode], Seen]:
    """Tell what became of a row's object."""

    def told(row: Row, mode: Mode) -> Seen:
        name = server.name, mode, row.locked, row.alone
        if name not in stories:
            alike = [other for other in ROWS if (other.locked, other.alone) == (row.locked, row.alone)]
            rows = [other for other in alike if server.name in other.on]
            if row.alone:
                monkeypatch.setattr(S3Writer, "probe", lambda _: Capabilities(*[True] * 7))
            stories[name] = lived(s3, tmp_path, rows, mode)
        found: Seen = stories[name][row.name]
        return found

    return told


def lived(s3: S3Client, folder: Path, rows: list[Row], mode: Mode) -> dict[str, Seen]:
    bucket = made(s3, mode, locked=rows[0].locked)
    keyed = [(f"deer/{number:02}.jpg", row) for number, row in enumerate(rows)]
    before = {key: put(s3, bucket, key, row) for key, row in keyed}
    run = applied(planned(folder, bucket, before, mode), bucket)
    why = {other.key: other.message for other in run.others}
    there = {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix="deer/").get("Contents", ())}
    back = {other.key: f"{other.outcome}: {other.message}" for other in undone(run.run).others}
    return {
        row.name: Seen(before[key], why.get(key, ""), key in there, back.get(key, ""), row.read(s3, bucket, key))
        for key, row in keyed
    }


def made(s3: S3Client, mode: Mode, *, locked: bool) -> str:
    name = f"wildlife-{uuid.uuid4().hex[:12]}"
    more: dict[str, Any] = {"ObjectLockEnabledForBucket": True} if locked else {}
    s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter", **more)  # so that objects can have ACLs
    if mode == "versioning" and not locked:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def put(s3: S3Client, bucket: str, key: str, row: Row) -> Any:
    s3.put_object(**({"Bucket": bucket, "Key": key, "Body": b"a deer"} | row.put))
    if row.then:
        row.then(s3, bucket, key)
    return row.read(s3, bucket, key)


@pytest.mark.parametrize(("row", "mode", "server"), list(cells()), indirect=["server"])
def test_what_the_page_says_of_an_attribute_is_so(story: Callable[[Row, Mode], Seen], row: Row, mode: Mode) -> None:
    seen = story(row, mode)
    if row.expected(mode) == KEPT:
        assert (seen.why, seen.meanwhile) == ("", False)
    else:
        assert (row.expected(mode) in seen.why, seen.meanwhile) == (True, True), seen.why
    assert seen.undone == ""
    assert seen.after == seen.before


@pytest.mark.parametrize(
    ("row", "server"), [(row, one("simulator").values[0]) for row in ROWS[1:]], indirect=["server"]
)
def test_what_is_read_tells_an_object_with_the_attribute_from_one_without(s3: S3Client, row: Row) -> None:
    """Else a cell could not fail."""
    if "simulator" not in row.on or row.name in {"size, ETag", "SSE-S3"}:  # every object has these
        return
    bucket = made(s3, "versioning", locked=row.locked)
    with_it = put(s3, bucket, "with", row)
    s3.put_object(Bucket=bucket, Key="without", Body=b"a deer")
    if row.name == "SSE-C":  # its key is taken by no other object
        with pytest.raises(ClientError):
            row.read(s3, bucket, "without")
    else:
        assert row.read(s3, bucket, "without") != with_it


def test_the_page_is_what_is_tested() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.servers.preservation"
