"""A thousand keys in a request: what each server makes of it, and what a writer makes of its replies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from labelplan.model.objects import S3Object
from labelplan.store.s3 import open_writer
from tests.servers.odd_keys import ODD_KEYS, ODDITIES, UNLISTABLE
from tests.servers.test_odd_keys import LISTABLE, put_all
from tests.servers.test_reading import put
from tests.servers.where import VERSIONED, on
from tests.wire import recorded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Writer
    from tests.servers.running import Server

HONEST = tuple(name for name in VERSIONED if name != "moto")
"""Those that compare the ETags of a bulk delete; and list a thousand versions in less than minutes."""


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket)


def outcomes(replies: object) -> list[str]:
    return [one.outcome for one in replies]  # type: ignore[attr-defined]  # of deletes and of removals


@on(*HONEST)
def test_each_key_goes_under_its_own_etag(s3: S3Client, bucket: str, writer: Writer) -> None:
    kept, changed = put(s3, bucket, "deer/1.jpg"), put(s3, bucket, "deer/2.jpg", b"old")
    now = put(s3, bucket, "deer/2.jpg", b"new")
    planned = [kept, changed, S3Object("deer/3.jpg", "v", kept.etag, 4)]
    assert outcomes(writer.delete_batch(planned, conditional=True)) == ["deleted", "refused", "refused"]
    assert [writer.head(one.key) for one in planned] == [None, now, None]
    assert writer.key_versions("deer/3.jpg") == []
    assert [one.is_delete_marker for one in writer.key_versions("deer/1.jpg")] == [True, False]


@on("moto")
def test_a_server_that_ignores_them_deletes_what_changed(s3: S3Client, bucket: str, writer: Writer) -> None:
    old = put(s3, bucket, "deer/1.jpg", b"old")
    put(s3, bucket, "deer/1.jpg", b"new")
    assert outcomes(writer.delete_batch([old], conditional=True)) == ["deleted"]
    assert writer.head("deer/1.jpg") is None


@on(*VERSIONED)
def test_markers_are_removed_in_bulk_and_everything_is_as_it_was(s3: S3Client, bucket: str, writer: Writer) -> None:
    stored = [put(s3, bucket, f"deer/{number}.jpg", b"%d" % number) for number in range(20)]
    keys = sorted(one.key for one in stored)
    before = writer.versions_of(keys)
    assert outcomes(writer.delete_batch(stored, conditional=False)) == ["deleted"] * 20
    markers = [found[0] for found in writer.versions_of(keys).values()]
    assert all(one.is_delete_marker and one.is_latest for one in markers)
    assert set(outcomes(writer.remove_markers(markers))) == {"deleted"}
    assert writer.versions_of(keys) == before
    assert [writer.head(one.key) for one in stored] == stored


@on(*VERSIONED)
def test_odd_keys_are_deleted_and_shown_again_in_bulk(
    s3: S3Client, server: Server, bucket: str, writer: Writer
) -> None:
    odd = ODDITIES[server.name]
    others = put_all(s3, bucket, LISTABLE) | odd.emptied | set(odd.listed_as) | odd.no_bulk_undo
    keys = sorted({odd.kept_as.get(key, key) for key in LISTABLE if key not in others}, key=str.encode)
    stored = [found[0] for found in writer.versions_of(keys).values()]
    planned = [S3Object(one.key, one.version_id, one.etag, one.size) for one in stored]
    assert set(outcomes(writer.delete_batch(planned, conditional=True))) == {"deleted"}
    assert [writer.head(key) for key in keys] == [None] * len(keys)
    markers = [found[0] for found in writer.versions_of(keys).values()]
    assert set(outcomes(writer.remove_markers(markers))) == {"deleted"}
    assert [writer.head(one.key) for one in planned] == planned


@on(*VERSIONED)
def test_a_key_that_xml_cannot_carry_does_not_hold_up_the_others(s3: S3Client, bucket: str, writer: Writer) -> None:
    planned = [put(s3, bucket, key) for key in ("a", UNLISTABLE, "z")]
    with recorded() as wire:
        assert outcomes(writer.delete_batch(planned, conditional=True)) == ["deleted"] * 3
    assert [(one.key, one.query) for one in wire.deletes()] == [(ODD_KEYS["what XML cannot carry"], {})]
    assert [writer.head(one.key) for one in planned] == [None] * 3


@on(*HONEST)
def test_a_full_batch_is_deleted_and_looked_at_with_few_requests(s3: S3Client, bucket: str, writer: Writer) -> None:
    keys = [f"deer/{number:05}.jpg" for number in range(1000)]
    with ThreadPoolExecutor(8) as pool:
        planned = list(pool.map(lambda key: put(s3, bucket, key), keys))
    with recorded() as wire:
        assert set(outcomes(writer.delete_batch(planned, conditional=True))) == {"deleted"}
        found = writer.versions_of(keys)
        markers = [one[0] for one in found.values()]
        assert set(outcomes(writer.remove_markers(markers))) == {"deleted"}
    assert list(found) == keys
    assert all(
        marker.is_delete_marker and version.version_id == one.version_id
        for (marker, version), one in zip(found.values(), planned, strict=True)
    )
    assert len(wire.sent) <= 8
    assert [found[0].is_latest for found in writer.versions_of(keys).values()] == [True] * 1000


@on(*HONEST)
def test_the_versions_of_files_beside_pictures_are_all_found(s3: S3Client, bucket: str, writer: Writer) -> None:
    """Where SeaweedFS's listing loses versions between two pages, the keys are looked at one by one."""
    keys = [f"deer/{number:03}.jpg{more}" for number in range(260) for more in ("", ".json")]
    with ThreadPoolExecutor(8) as pool:
        stored = [dict(pool.map(lambda key: (key, put(s3, bucket, key)), keys)) for _ in range(2)]
    found = writer.versions_of(keys)
    wrong = {
        key: [one.version_id for one in found[key]]
        for key in keys
        if [one.version_id for one in found[key]] != [times[key].version_id for times in reversed(stored)]
    }
    assert wrong == {}
