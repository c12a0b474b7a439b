"""All that the server holds, and one request on its way through it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.simulators.s3.errors import invalid_version, method_not_allowed, no_such_bucket, no_such_key, no_such_version
from tests.simulators.s3.ledger import Ledger, Listed
from tests.simulators.s3.rules import Rules
from tests.simulators.s3.times import http_date

if TYPE_CHECKING:
    from tests.simulators.s3.bucket import Bucket
    from tests.simulators.s3.settings import Settings
    from tests.simulators.s3.versions import Version
    from tests.simulators.s3.wire import Request


class World:
    """The buckets, the settings, what happened so far, and what is to go wrong."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.buckets: dict[str, Bucket] = {}
        self.ledger = Ledger()
        self.rules = Rules()
        self.asked: dict[str, int] = {}
        """Requests so far, per access key."""

    def now(self) -> int:
        """Seconds since 1970 by the server's clock, whole ones as S3 keeps them."""
        return int(time.time() + self.settings.clock_shift)

    def bucket(self, name: str) -> Bucket:
        """Return a bucket; raises `Refusal`."""
        found = self.buckets.get(name)
        if found is None:
            raise no_such_bucket(name)
        return found


class Call:
    """One request to one bucket, by one access key."""

    def __init__(self, world: World, request: Request, operation: str, caller: str) -> None:
        self.world, self.request, self.operation, self.caller = world, request, operation, caller
        self.key = request.key
        self.made = ""
        """The id of the version or of the delete marker that this made."""
        self.objects: list[Listed] = []
        self.errors: dict[str, str] = {}
        """Of DeleteObjects: what was listed (`ledger.Listed`), and the codes of what was refused, by key."""

    @property
    def bucket(self) -> Bucket:
        return self.world.bucket(self.request.bucket)

    @property
    def version_id(self) -> str | None:
        return self.request.query.get("versionId")

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")

    def version(self) -> Version:
        """Return the object's version that is asked for; raises `Refusal` for none and for a delete marker."""
        return asked(self.bucket, self.key, self.version_id, self.request.method)


def asked(bucket: Bucket, key: str, version_id: str | None, method: str) -> Version:
    """Return a version of an object, the current one without a *version_id*; raises `Refusal`."""
    if version_id is None:
        found = bucket.newest.get(key)
        if found is None:
            raise no_such_key(key)
        if found.is_marker:
            raise no_such_key(key, {"x-amz-delete-marker": "true", "x-amz-version-id": found.id})
        return found
    if not version_id:
        raise invalid_version(version_id)
    found = bucket.find(key, version_id)
    if found is None:
        raise no_such_version(key, version_id)
    if found.is_marker:
        headers = {
            "x-amz-delete-marker": "true",
            "x-amz-version-id": found.id,
            "Allow": "DELETE",
            "Last-Modified": http_date(found.modified),
        }
        raise method_not_allowed(method, "DeleteMarker", headers)
    return found


def version_header(bucket: Bucket, version: Version) -> dict[str, str]:
    """Say a version's id, as S3 does where versioning is or was on."""
    return {"x-amz-version-id": version.id} if bucket.versioning else {}
