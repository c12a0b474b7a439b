"""What flows need of a bucket, in two parts, so that a plan cannot even name a call that changes something.

Both raise `AwsRefused` (credentials, permission, region, no such bucket) and `WrongTarget` (another owner). The one
real implementation is put together in `s3.py`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, BinaryIO, Self

    from labelplan.model.objects import KeyVersion, S3Object, Target, Versioning
    from labelplan.model.protection import Protection
    from labelplan.model.run import Attributes, Capabilities, Grant


class Reader(Protocol):
    """The calls that change nothing; `plan` gets only these."""

    def target(self) -> Target:
        """Look at the bucket and say which one it is; checks credentials, owner, region and that it exists."""

    def versioning(self) -> Versioning:
        """Read the bucket's versioning state as it is now."""

    def protection(self) -> Protection:
        """Read what may end a way back through this bucket, or forbid it."""

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


class Deleted(Struct, frozen=True, gc=False):
    """A delete's reply. *marker*: the version id of the delete marker that it made; *message*: why not, for a person.

    `deleted`; `refused`: the condition did not hold; `denied`: the server will not do it; `doubtful`: the reply was
    lost, or is an error that says nothing about what happened, so look before concluding. *busy*: the server asks to
    be asked less often (503 SlowDown and the like).
    """

    outcome: Literal["deleted", "refused", "doubtful", "denied"]
    marker: str = ""
    message: str = ""
    busy: bool = False


class Record(Struct, frozen=True):
    """A record as it was read. *etag*: without quotes. *now*: S3's own clock when it answered."""

    body: bytes
    etag: str
    now: dt.datetime


class Copied(Struct, frozen=True):
    """A copy's reply, in `Deleted`'s words: `copied`, or why not. Whoever relies on a copy looks at it first.

    `refused`: a condition did not hold: the source is another object now, or the destination exists. *lost*: what the
    copy does not have of the object, if it was made.
    """

    outcome: Literal["copied", "refused", "doubtful", "denied"]
    message: str = ""
    busy: bool = False
    lost: str = ""


class Writer(Reader, Protocol):
    """The calls that change something; none of them is ever retried by itself."""

    def key_versions(self, key: str) -> list[KeyVersion]:
        """List all versions and delete markers of exactly *key*, newest first."""

    def versions_of(self, keys: Sequence[str]) -> dict[str, list[KeyVersion]]:
        """List all versions and delete markers of each of *keys*, newest first; of an absent key an empty list.

        *keys*: ascending in UTF-8 byte order, any number. Few requests where they lie close together: they are read
        from ranges of the bucket's listing; a key that a server's odd listing leaves out is looked at by itself.
        """

    def delete_current(self, key: str, etag: str) -> Deleted:
        """Delete *key* if its current version still has *etag*. Never sends a version id."""

    def delete_batch(self, objects: Sequence[S3Object], *, conditional: bool) -> list[Deleted]:
        """Delete at most 1,000 keys in one request, each if it still has its ETag, or whatever is there.

        One reply for each, in their order. Never sends a version id. A key that XML cannot carry goes singly.
        """

    def remove_markers(self, markers: Sequence[KeyVersion]) -> list[Deleted]:
        """Remove at most 1,000 delete markers that have just been listed, each by its id; one reply for each.

        Refuses (ValueError, before anything is sent) whatever is not a marker, and the marker `null`.
        """

    def put_once(self, key: str, body: bytes | BinaryIO) -> bool:
        """Write a record under `.labelplan/`, a file from its first byte, unless the key exists (`If-None-Match: *`).

        True if the key now holds exactly *body*, also when it did before; False if it holds something else.
        """

    def replace_record(self, key: str, body: bytes, etag: str) -> str | None:
        """Write a record in place of the one with *etag* (`If-Match`); return the new ETag, None if it is another now.

        After an answer that says nothing the record is read: what it holds decides.
        """

    def read_record(self, key: str) -> bytes | None:
        """Read a record under `.labelplan/`, or None."""

    def dated_record(self, key: str) -> Record | None:
        """Read a record with its ETag and S3's clock, or None."""

    def record_time(self, key: str) -> dt.datetime | None:
        """Return S3's own time of a record, or None."""

    def copy_record(self, key: str, into: BinaryIO) -> bool:
        """Stream a record into a file; False if there is none."""

    def list_records(self, prefix: str) -> Iterable[tuple[str, dt.datetime]]:
        """List the record keys under *prefix*, in order, each with S3's own time."""

    def names_in(self, folder: str) -> set[str]:
        """Return what lies directly in a *folder* of records: names of records, and of folders with a `/` behind."""

    def beside(self, bucket: str, *, region: str | None = None, account: str | None = None) -> Writer:
        """Open another bucket with the same configuration; itself, if it is this one."""

    def owned_by(self, account: str) -> Self:
        """Return the same bucket, whose every call now says that it must be this account's; no new client is made.

        Itself, if the account is empty, or if it was opened for one: that one stays.
        """

    def place(self, key: str, etag: str, version_id: str = "") -> Place:
        """Name an object of this bucket, to copy it somewhere."""

    def describe(self, item: S3Object, *, by_version: bool = False, uploaded: bool = False) -> Attributes | str:
        """Read what a copy of the current object would not keep, but for its ACL; or say why it is not to be copied.

        Such as: archived, over 5 GB, encrypted with a customer's key, under retention, changed meanwhile. *by_version*:
        of exactly that version, which stays and keeps its retention itself. *uploaded*: its copy will have to come back
        by `upload_in`, which keeps less.
        """

    def acl(self, item: S3Object, *, by_version: bool = False) -> tuple[Grant, ...] | str:
        """Read an object's ACL, empty if it is the default one; or say why it cannot be set again."""

    def copy_in(self, source: Place, key: str, attributes: Attributes, *, absent: bool) -> Copied:
        """Copy an object of this or another bucket to *key*, server-side, if the source still has its ETag.

        Metadata, content headers and tags come along; all of *attributes* is set. *absent*: only if the key does not
        exist, or a delete marker hides it (`If-None-Match: *`).
        """

    def upload_in(self, source: Writer, place: Place, key: str, attributes: Attributes) -> Copied:
        """Copy an object through this machine: read it from *source*, put it where no object is (`If-None-Match: *`).

        For servers whose CopyObject ignores that condition. Metadata, content headers, tags and the checksum come
        along; annotations do not.
        """

    def take(self, place: Place, into: BinaryIO) -> dict[str, Any] | None:
        """Read exactly this object of this bucket into a file, and what travels with it, as PutObject's arguments.

        None if it is not there any more.
        """

    def checksums(self, place: Place) -> dict[str, str]:
        """Return the checksums of an object's whole content that the server keeps, by algorithm, such as `SHA256`.

        Empty if it keeps none, or the object is not there any more.
        """

    def probe(self) -> Capabilities:
        """Find out with canary objects under `.labelplan/probe/` which conditions this endpoint honours.

        What is found is what the bucket shows afterwards, whatever the replies were. Sends no version id.
        """


class Purger(Writer, Protocol):
    """A writer that can also destroy old versions, to end a way back on purpose; apply and undo never get one."""

    def erase_versions(self, versions: Sequence[KeyVersion]) -> list[Deleted]:
        """Destroy at most 1,000 versions that have just been listed, each by its id; one reply for each.

        Refuses (ValueError, before anything is sent) a delete marker, and whatever is the latest at its key.
        """

    def beside(self, bucket: str, *, region: str | None = None, account: str | None = None) -> Purger:
        """See `Writer.beside`."""


class Place(Struct, frozen=True):
    """An object to copy from. *version_id*: empty takes the current one. *account*: the bucket's owner, or empty."""

    bucket: str
    key: str
    etag: str
    version_id: str = ""
    account: str = ""
