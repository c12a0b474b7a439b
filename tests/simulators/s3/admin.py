"""What a test asks the simulator itself, under /_sim/, in JSON."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct

from tests.simulators.s3 import acl
from tests.simulators.s3.ledger import Ledger
from tests.simulators.s3.settings import changed
from tests.simulators.s3.versions import Details, Version, made, shared, tag_of
from tests.simulators.s3.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulators.s3.bucket import Bucket
    from tests.simulators.s3.wire import Request
    from tests.simulators.s3.world import World

PLACE = "_sim"
MOST_READ = 1 << 26
"""Bytes of a seeded object that its ETag is made from."""

_TYPE = {"Content-Type": "application/json"}
_DEFAULTS = (("content-type", "binary/octet-stream"),)


class Seed(Struct, kw_only=True, forbid_unknown_fields=True):
    """Objects to make: *count* of them, `PREFIX00000000.jpg` and on from *first*, or the one *key*.

    A content follows from its key (`versions.made`). *parts*: the ETag is that of an upload in so many parts; *age*:
    seconds since it was written; *size* may be more than any memory holds, while nobody reads it.
    """

    bucket: str
    prefix: str = ""
    key: str = ""
    count: Annotated[int, Meta(ge=1)] = 1
    first: Annotated[int, Meta(ge=0)] = 0
    size: Annotated[int, Meta(ge=0)] = 100
    parts: Annotated[int, Meta(ge=0)] = 0
    storage_class: str = "STANDARD"
    age: int = 0

    def keys(self) -> list[str]:
        if self.key:
            return [self.key]
        return [f"{self.prefix}{number:08}.jpg" for number in range(self.first, self.first + self.count)]


def answer(world: World, request: Request) -> Reply:
    """Answer `GET /_sim/ledger` and the like; 400 says what is wrong."""
    handler = _HANDLERS.get((request.method, request.key))
    if handler is None:
        return _json({"message": ", ".join(f"{method} /_sim/{name}" for method, name in _HANDLERS)}, 404)
    try:
        return _json(handler(world, request))
    except (ValueError, KeyError) as error:  # msgspec's among them
        return _json({"message": str(error)}, 400)


def _json(found: Any, status: int = 200) -> Reply:
    return Reply(status, dict(_TYPE), msgspec.json.encode(found))


def _ledger(world: World, _: Request) -> Any:
    return world.ledger.everything()


def _counts(world: World, _: Request) -> Any:
    return world.ledger.counts()


def _forget(world: World, _: Request) -> Any:
    world.ledger = Ledger()
    return {}


def _settings(world: World, request: Request) -> Any:
    world.settings = changed(world.settings, msgspec.json.decode(request.body or b"{}", type=dict[str, Any]))
    world.asked.clear()
    return world.settings


def _add_rules(world: World, request: Request) -> Any:
    world.rules.add(request.body)
    return world.rules.left()


def _rules(world: World, _: Request) -> Any:
    return world.rules.left()


def _clear_rules(world: World, _: Request) -> Any:
    world.rules.clear()
    return []


def _seed(world: World, request: Request) -> Any:
    """Make objects; a million of them in a few seconds."""
    seed = msgspec.json.decode(request.body, type=Seed)
    bucket, modified = world.buckets[seed.bucket], world.now() - seed.age
    parts = f"-{seed.parts}".encode() if seed.parts else b""
    details = shared(Details(headers=_DEFAULTS, storage_class=seed.storage_class, checksum="" if parts else "CRC32"))
    keys, size, fresh = seed.keys(), seed.size, not bucket.newest
    newest, number = bucket.newest, bucket.next_number
    for key in keys:
        content = made(key, min(size, MOST_READ))
        version = Version(number(), tag_of(content, details.encryption) + parts, size, modified, key, details)
        if fresh:
            newest[key] = version
        else:
            bucket.put(key, version)
    if fresh:
        bucket.order.fill(keys)
    return {"first": keys[0], "last": keys[-1], "count": len(keys)}


def _dump(world: World, request: Request) -> Any:
    """Return everything in a bucket: keys in order, and of each its versions, newest first."""
    bucket = world.buckets[request.query["bucket"]]
    prefix = request.query.get("prefix", "")
    return {
        "versioning": bucket.versioning,
        "mfa_delete": bucket.mfa_delete,
        "keys": {
            key: [described(version) for version in bucket.history(key)]
            for key in bucket.order.at_least(prefix)
            if key.startswith(prefix)
        },
    }


def described(version: Version) -> dict[str, Any]:
    """Describe a version in full, for comparison."""
    if version.is_marker:
        return {"marker": True, "version_id": version.id, "modified": version.modified}
    content, details = version.content(), version.details
    return {
        "marker": False,
        "version_id": version.id,
        "etag": version.etag,
        "size": version.size,
        "modified": version.modified,
        "sha256": hashlib.sha256(content).hexdigest(),
        "headers": dict(details.headers),
        "metadata": dict(details.metadata),
        "tags": dict(details.tags),
        "storage_class": details.storage_class,
        "encryption": msgspec.to_builtins(details.encryption),
        "grants": sorted(details.grants or acl.CANNED["private"]),
        "lock": msgspec.to_builtins(details.lock),
        "redirect": details.redirect,
        "checksum": details.checksum,
    }


def _body(world: World, request: Request) -> Any:
    """Return a version's bytes in base64, whatever its class or encryption."""
    bucket: Bucket = world.buckets[request.query["bucket"]]
    wanted = request.query.get("version_id")
    for version in bucket.history(request.query["key"]):
        if wanted in {None, version.id}:
            return {"body": base64.b64encode(version.content()).decode()}
    raise KeyError(request.query["key"])


_HANDLERS: dict[tuple[str, str], Callable[[World, Request], Any]] = {
    ("GET", "ledger"): _ledger,
    ("DELETE", "ledger"): _forget,
    ("GET", "counts"): _counts,
    ("POST", "settings"): _settings,
    ("GET", "rules"): _rules,
    ("POST", "rules"): _add_rules,
    ("DELETE", "rules"): _clear_rules,
    ("POST", "seed"): _seed,
    ("GET", "dump"): _dump,
    ("GET", "body"): _body,
}
