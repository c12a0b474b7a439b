"""What lies under a key, and deletes: each sent once, its reply taken for no more than it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from labelplan.store.errors import explained, no_reply, said, status, words
from labelplan.store.interface import Deleted
from labelplan.store.listing import in_order, keep_order, newest_first
from labelplan.store.listing_xml import NO_VERSION
from labelplan.store.s3_changing import S3Changing
from labelplan.store.s3_reader import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

    from labelplan.model.objects import KeyVersion, S3Object
    from labelplan.store.s3_reader import Opened

_SERVER_ERROR = 500
_REFUSALS = frozenset({404, 409, 412})  # no such key (any more); a change at the same moment; another ETag
_VERSIONS_A_PAGE = 50  # a key has few versions; the rest of the page is other keys that start alike


class S3Deletes(S3Changing):
    """A bucket whose objects can be hidden and shown again."""

    def __init__(self, opened: Opened, session: Session, reading: S3Client, changing: S3Client) -> None:
        """Keep both clients."""
        super().__init__(opened, session, reading, changing)
        reading.meta.events.register("before-parse.s3.ListObjectVersions", keep_order)

    def key_versions(self, key: str) -> list[KeyVersion]:
        """See `Writer.key_versions`."""
        pages = self._reading.get_paginator("list_object_versions").paginate(
            **self._at, Prefix=key, PaginationConfig={"PageSize": _VERSIONS_A_PAGE}
        )
        found: list[KeyVersion] = []
        with explained(f"list the versions of s3://{self._bucket}/{key}"):
            for page in pages:
                entries = in_order(page)
                found += [entry for entry in entries if entry.key == key]
                if entries and any(entry.key != key for entry in entries):
                    break  # keys that start alike sort after it
        return newest_first(found)

    def versions_of(self, keys: Sequence[str]) -> dict[str, list[KeyVersion]]:
        """See `Writer.versions_of`."""
        return {key: self.key_versions(key) for key in keys}

    def delete_batch(self, objects: Sequence[S3Object], *, conditional: bool) -> list[Deleted]:
        """See `Writer.delete_batch`."""
        raise NotImplementedError

    def remove_markers(self, markers: Sequence[KeyVersion]) -> list[Deleted]:
        """See `Writer.remove_markers`."""
        return [self._remove_marker(marker) for marker in markers]

    def delete_current(self, key: str, etag: str) -> Deleted:
        """See `Writer.delete_current`."""
        return self._delete(Key=key, IfMatch=quoted(etag))

    def _remove_marker(self, marker: KeyVersion) -> Deleted:
        """The marker `null` is refused as well: a new object could have taken its place."""
        if not marker.is_delete_marker or marker.version_id == NO_VERSION:
            msg = f"only a delete marker with an id of its own may be removed, not {marker}"
            raise ValueError(msg)
        return self._delete(Key=marker.key, VersionId=marker.version_id)

    def _delete(self, **arguments: Any) -> Deleted:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

        try:
            reply = self._changing.delete_object(**self._at, **arguments)
        except ClientError as error:
            return Deleted(_outcome(status(error)), message=said(error))
        except no_reply() as error:
            return Deleted("doubtful", message=words(error))
        return Deleted("deleted", marker=reply.get("VersionId", ""))


def _outcome(code: int) -> Literal["refused", "denied", "doubtful"]:
    if code in _REFUSALS:
        return "refused"
    return "denied" if code < _SERVER_ERROR else "doubtful"
