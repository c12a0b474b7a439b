"""A run: one apply of one plan, and what undo made of it: the JSON objects of the run record in the bucket."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from labelplan.model.objects import Target
from labelplan.model.spec import Backup

RUN_PREFIX = ".labelplan/"
"""Where run records live in the bucket; never planned, never deleted by a plan."""

ApplyOutcome = Literal["deleted", "gone", "changed", "failed"]
UndoOutcome = Literal["restored", "present", "left", "failed"]

Strategy = Literal["bulk", "single", "check"]
"""How objects are deleted: a thousand a request, each under its ETag; one a request, under its ETag; or, where the
server ignores both conditions, looked at and then deleted, which only a versioned bucket allows."""


class PlanClaim(Struct, frozen=True):
    """`plans/<statement-sha256>`: the one run that may apply this plan."""

    run: str


class Capabilities(Struct, frozen=True):
    """What an endpoint was seen to do with canary objects, whatever it replied.

    Each is True only if the request that had to be refused changed nothing, and the one that had to work did.
    *bulk_delete*: DeleteObjects compares each key's ETag. *single_delete*: DeleteObject compares If-Match.
    *copy_source*: CopyObject compares the source's ETag. *copy_absent*, *put_absent*: CopyObject, PutObject heed
    `If-None-Match: *`. *put_match*: PutObject compares If-Match. *tags*: setting tags sets tags, and leaves the bytes
    as they are.
    """

    bulk_delete: bool
    single_delete: bool
    copy_source: bool
    copy_absent: bool
    put_absent: bool
    put_match: bool
    tags: bool


class RunStart(Struct, frozen=True):
    """`runs/<run>/start.json`, written before the first delete. *plan_sha256*: that of the plan file's bytes.

    *batch*: how many deletes of the plan are a batch. *undo_until*: when the way back ends, as far as could be read;
    None: nothing ends it.
    """

    format: Literal["labelplan/run/1"]
    run: str
    statement_sha256: str
    plan_sha256: str
    target: Target
    started: dt.datetime
    signer: str
    backup: Backup
    capabilities: Capabilities
    strategy: Strategy
    batch: Annotated[int, Meta(ge=1, le=1000)]
    undo_until: dt.datetime | None = None


class Grant(Struct, frozen=True):
    """One line of an ACL. *grantee*: a canonical user's id, or a group's URI."""

    kind: Literal["CanonicalUser", "Group"]
    grantee: str
    permission: str


class Attributes(Struct, frozen=True, omit_defaults=True):
    """What a copy within S3 does not keep, read before the object is deleted and set again by undo.

    *acl*: empty where the bucket has no ACLs, or the object has the default one. *copy*: the ETag of the copy, where it
    is another than the object's: the object came in parts, or a KMS key encrypts one of them. *checksum*: where a copy
    may have another ETag, that of the whole content, if S3 keeps one: `SHA256:` and the like, and its value.
    """

    storage_class: str = ""
    encryption: str = ""
    kms_key: str = ""
    bucket_key: bool = False
    acl: tuple[Grant, ...] = ()
    website_redirect: str = ""
    copy: str = ""
    checksum: str = ""


class Intent(Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of `segments/<batch>-<attempt>.intent.jsonl.zst`: this object was there as planned, and is now deleted.

    *attributes*: of the object, where its way back is a copy. *compares*: whether the server compares the ETag with the
    delete; if not, something newer may be deleted in its place.
    """

    key: str
    version_id: str
    etag: str
    size: int
    attributes: Attributes | None = None
    compares: bool = True


class ApplyResult(Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of one delete. *marker*: the delete marker's version id, where it was seen.

    `deleted`: by this run. `gone`: somebody else had deleted it already. `changed`: not the object that was labelled
    any more, kept. `failed`: the store refused or did not answer, kept or unknown; *message* says why. *denied*: it
    refused for good, so nothing of this attempt can come late.
    """

    key: str
    version_id: str
    outcome: ApplyOutcome
    marker: str = ""
    message: str = ""
    denied: bool = False


class UndoResult(Struct, frozen=True, omit_defaults=True, gc=False):
    """What undo did for one key: `restored`, `present` (it was there), `left` (newer, or not ours), `failed`."""

    key: str
    version_id: str
    outcome: UndoOutcome
    message: str = ""


class RunEnd(Struct, frozen=True):
    """`runs/<run>/run.json` (or `undone.json`): the run is over; *counts* by outcome."""

    run: str
    finished: dt.datetime
    counts: dict[str, int]


class Lock(Struct, frozen=True):
    """`.labelplan/lock`: who may apply or undo in this bucket, until *expires* by S3's clock.

    *generation* counts how often the lock was taken; *released*: nobody holds it any more. *work*: the SHA-256 of the
    statement that is applied, or whose run is undone.
    """

    format: Literal["labelplan/lock/1"]
    id: str
    generation: int
    owner: str
    host: str
    pid: int
    command: str
    work: str
    started: dt.datetime
    expires: dt.datetime
    released: bool = False


def copies_folder(prefix: str, run: str | None = None) -> str:
    """Name the folder of a run's copies, below the backup's *prefix*; without *run*, the one of all runs' copies."""
    return f"{prefix}runs/" if run is None else f"{prefix}runs/{run}/objects/"
