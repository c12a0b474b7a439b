"""What a bucket's configuration says about how long a way back lasts, as it was read."""

from __future__ import annotations

from msgspec import Struct


class Expiry(Struct, frozen=True):
    """One enabled lifecycle rule that takes something away, or into an archive.

    *prefix*: what it is about; a rule that is also about tags or sizes is taken to be about all of its prefix. *days*:
    after so many days current objects expire; *noncurrent_days*: so long after they were replaced, old versions do;
    *date*: on that day (ISO) current ones expire. *archive_days*, *archive_date*, *noncurrent_archive_days*: when they
    are moved to a class that must be restored before it can be read. None: never.
    """

    name: str
    prefix: str
    days: int | None = None
    noncurrent_days: int | None = None
    date: str | None = None
    archive_days: int | None = None
    noncurrent_archive_days: int | None = None
    archive_date: str | None = None


class Protection(Struct, frozen=True):
    """What may end, or forbid, a way back through a bucket; None where it may not be read (then *unread* says why).

    *expiries*: of the lifecycle configuration. *mfa_delete*: removing a version or marker needs a token. *replicates*:
    delete markers are replicated to another bucket, their removal is not. *may_remove_markers*: False if the bucket's
    policy denies it to anybody, whoever that is. *acls*: whether objects can have ACLs of their own. *bucket*: whose
    configuration this is.
    """

    expiries: tuple[Expiry, ...] | None
    mfa_delete: bool
    replicates: bool | None
    may_remove_markers: bool | None
    acls: bool | None
    unread: tuple[str, ...] = ()
    bucket: str = ""
