"""What a store holds: objects, their versions, and the target that names them."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn")
"""Where AWS's own endpoints are, of all services and partitions, VPC endpoints among them."""

Versioning = Literal["Enabled", "Suspended", "Disabled"]


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """The one bucket that a plan is for.

    *endpoint* is the S3 endpoint's URL, or empty for AWS's own. *account* is the bucket owner's 12-digit id, or empty
    on a server that has none. *versioning* is what the bucket's state was when the plan was made.
    """

    endpoint: str
    account: str
    region: str
    bucket: str
    versioning: Versioning


class S3Object(Struct, frozen=True, gc=False):
    """The current version of a key. *etag*: without quotes; *size*: bytes; *version_id*: `null` where S3 has none."""

    key: str
    version_id: str
    etag: str
    size: int


class KeyVersion(Struct, frozen=True, gc=False):
    """One entry of a key's version list, newest first. A delete marker has an empty *etag* and size 0.

    *storage_class*: as the listing says, empty where it does not.
    """

    key: str
    version_id: str
    etag: str
    size: int
    is_latest: bool
    is_delete_marker: bool
    last_modified: dt.datetime
    storage_class: str = ""


class LocalImage(Struct, frozen=True):
    """A reference given as a local file: its name as in the spec, its content, and the content's SHA-256 (hex)."""

    name: str
    content: bytes
    sha256: str


Image = S3Object | LocalImage
