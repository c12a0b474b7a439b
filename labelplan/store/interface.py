"""What flows need of a bucket, in two parts, so that a plan cannot even name a call that changes something.

Both raise `AwsRefused` (credentials, permission, region, no such bucket) and `WrongTarget` (another owner). One real
implementation stands in `s3.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    from labelplan.model.objects import KeyVersion, S3Object, Target, Versioning


class Reader(Protocol):
    """The calls that change nothing; `plan` gets only these."""

    def target(self) -> Target:
        """Look at the bucket and say which one it is; checks credentials, owner, region and that it exists."""

    def versioning(self) -> Versioning:
        """Read the bucket's versioning state as it is now."""

    def list_current(self, prefix: str) -> Iterator[S3Object]:
        """Stream the current objects under *prefix*, in UTF-8 byte order of the keys (checked), without `.labelplan/`.

        Keys that hold U+FFFD are refused with `AwsRefused`: their real bytes are unknown.
        """

    def list_pages(self, prefixes: Sequence[str]) -> Iterator[tuple[int, list[S3Object]]]:
        """Stream what `list_current` lists of each prefix, page by page: the prefix's position, and a page's objects.

        All of a prefix stands together, in the order of *prefixes*; pages are fetched ahead, several prefixes at once,
        in bounded memory. A page without current objects is left out.
        """

    def first_bytes(self, image: S3Object, count: int) -> bytes | None:
        """Return at most *count* bytes from an object's beginning; None where `fetch` would return None."""

    def head(self, key: str) -> S3Object | None:
        """Return the current object at *key*, or None."""

    def fetch(self, image: S3Object, limit: int) -> bytes | None:
        """Return an object's bytes, exactly that version and ETag.

        None if it changed, vanished, is archived, or is over *limit* bytes.
        """


class Deleted(Struct, frozen=True):
    """A delete's reply. *marker*: the version id of the delete marker that it made; *message*: why not, for a person.

    `deleted`; `refused`: the condition did not hold; `denied`: the server will not do it; `doubtful`: the reply was
    lost, or is an error that says nothing about what happened, so look before concluding.
    """

    outcome: Literal["deleted", "refused", "doubtful", "denied"]
    marker: str = ""
    message: str = ""


class Writer(Reader, Protocol):
    """The calls that change something; none of them is ever retried by itself."""

    def key_versions(self, key: str) -> list[KeyVersion]:
        """List all versions and delete markers of exactly *key*, newest first."""

    def delete_current(self, key: str, etag: str) -> Deleted:
        """Delete *key* if its current version still has *etag*. Never sends a version id."""

    def remove_marker(self, marker: KeyVersion) -> Deleted:
        """Remove one delete marker that `key_versions` has just listed; refuses (ValueError) anything else."""

    def put_once(self, key: str, body: bytes | BinaryIO) -> bool:
        """Write a record under `.labelplan/`, a file from its first byte, unless the key exists (`If-None-Match: *`).

        True if the key now holds exactly *body*, also when it did before; False if it holds something else.
        """

    def read_record(self, key: str) -> bytes | None:
        """Read a record under `.labelplan/`, or None."""

    def record_time(self, key: str) -> dt.datetime | None:
        """Return S3's own time of a record, or None."""

    def copy_record(self, key: str, into: BinaryIO) -> bool:
        """Stream a record into a file; False if there is none."""

    def list_records(self, prefix: str) -> Iterable[str]:
        """List the record keys under *prefix*, in order."""
