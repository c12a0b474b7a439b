"""What lies under a key, and deletes: each sent once, its reply taken for no more than it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.store.bulk_xml import MOST, Named, fits, take_over, written
from labelplan.store.errors import explained, no_reply, words
from labelplan.store.interface import Deleted
from labelplan.store.listing import keep_versions, kept_page
from labelplan.store.listing_xml import NO_VERSION
from labelplan.store.s3_changing import S3Changing
from labelplan.store.s3_reader import quoted
from labelplan.store.verdicts import of_each, of_error, of_whole
from labelplan.store.version_ranges import read_alone, read_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

    from labelplan.model.objects import KeyVersion, S3Object
    from labelplan.store.listing_xml import Marker
    from labelplan.store.s3_reader import Opened
    from labelplan.store.versions_xml import VersionsPage


class S3Deletes(S3Changing):
    """A bucket whose objects can be hidden and shown again."""

    def __init__(self, opened: Opened, session: Session, reading: S3Client, changing: S3Client) -> None:
        """Keep both clients, and read their answers here."""
        super().__init__(opened, session, reading, changing)
        take_over(changing)
        # named so, it is asked before botocore's own handlers (see `S3Reader`)
        reading.meta.events.register("before-parse.*.ListObjectVersions", keep_versions)

    def key_versions(self, key: str) -> list[KeyVersion]:
        """See `Writer.key_versions`."""
        with explained(f"list the versions of s3://{self._bucket}/{key}"):
            return read_alone(key, self._versions)

    def versions_of(self, keys: Sequence[str]) -> dict[str, list[KeyVersion]]:
        """See `Writer.versions_of`."""
        with explained(f"list versions in s3://{self._bucket}"):
            return read_ranges(keys, self._versions)

    def _versions(self, prefix: str, after: Marker | None, size: int) -> VersionsPage:
        marker: dict[str, Any] = {}
        if after:
            marker = {"KeyMarker": after.key, **({"VersionIdMarker": after.version_id} if after.version_id else {})}
        reply = self._reading.list_object_versions(
            **self._at, Prefix=prefix, MaxKeys=size, EncodingType="url", **marker
        )
        page: VersionsPage = kept_page(reply)
        return page

    def delete_batch(self, objects: Sequence[S3Object], *, conditional: bool) -> list[Deleted]:
        """See `Writer.delete_batch`."""
        if conditional and not all(one.etag for one in objects):
            raise ValueError("a conditional delete needs an ETag")
        return self._delete_all([Named(one.key, quoted(one.etag) if conditional else "") for one in objects])

    def remove_markers(self, markers: Sequence[KeyVersion]) -> list[Deleted]:
        """See `Writer.remove_markers`. The marker `null` is refused as a new object could have taken its place."""
        for marker in markers:
            if not marker.is_delete_marker or marker.version_id == NO_VERSION:
                raise ValueError(f"only a delete marker with an id of its own may be removed, not {marker}")
        named = [Named(marker.key, version_id=marker.version_id) for marker in markers]
        return [self._delete(one) for one in named] if len(named) == 1 else self._delete_all(named)

    def delete_current(self, key: str, etag: str) -> Deleted:
        """See `Writer.delete_current`."""
        return self._delete(Named(key, quoted(etag)))

    def _delete_all(self, objects: Sequence[Named]) -> list[Deleted]:
        if len(objects) > MOST:
            raise ValueError(f"{len(objects)} keys are more than S3 takes at once")
        found = self._delete_together([one for one in objects if fits(one.key)])
        return [found[one] if one in found else self._delete(one) for one in objects]

    def _delete_together(self, objects: Sequence[Named]) -> dict[Named, Deleted]:
        """Send one request, and look up in its reply what it says of each key."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is imported when it is needed

        if not objects:
            return {}
        body: Any = written(objects)
        try:
            reply = self._changing.delete_objects(**self._at, Delete=body)
        except ClientError as error:
            return dict.fromkeys(objects, of_whole(error))
        except no_reply() as error:
            return dict.fromkeys(objects, Deleted("doubtful", message=words(error)))
        return of_each(objects, reply)

    def _delete(self, one: Named) -> Deleted:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        exactly: dict[str, Any] = {"IfMatch": one.etag, "VersionId": one.version_id}
        exactly = {name: value for name, value in exactly.items() if value}
        try:
            reply = self._changing.delete_object(**self._at, Key=one.key, **exactly)
        except ClientError as error:
            return of_error(error)
        except no_reply() as error:
            return Deleted("doubtful", message=words(error))
        return Deleted("deleted", marker=reply.get("VersionId", ""))
