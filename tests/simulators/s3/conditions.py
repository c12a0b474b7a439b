"""The conditions of requests: on what a write replaces, on what a delete hides, and on what a read or a copy reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.s3.errors import Refusal, failed, no_such_key, not_implemented
from tests.simulators.s3.times import from_http, http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulators.s3.versions import Version

ANY = "*"
NOT_MODIFIED = 304


def check_write(headers: Mapping[str, str], key: str, current: Version | None) -> None:
    """Check If-None-Match and If-Match of a PUT, or of a copy's destination; raises `Refusal`.

    A delete marker counts as no object: If-None-Match writes over it, If-Match finds nothing.
    """
    absent, match = headers.get("if-none-match"), headers.get("if-match")
    if absent is not None:
        if absent != ANY or match is not None:
            raise not_implemented("If-None-Match")
        if current:
            raise failed("If-None-Match")
    elif match is not None:
        if match == ANY:
            raise not_implemented("If-Match")
        if current is None:
            raise no_such_key(key)
        if not matches(match, current):
            raise failed("If-Match")


def check_delete(match: str | None, key: str, current: Version | None) -> None:
    """Check If-Match of a delete, or the ETag of a key in DeleteObjects, on the current version; raises `Refusal`."""
    if match is None:
        return
    if current is None:
        raise no_such_key(key)
    if not matches(match, current):
        raise failed("If-Match")


def check_read(headers: Mapping[str, str], version: Version) -> None:
    """Check the conditions of a GET or HEAD; raises `Refusal`, also for 304 (RFC 9110, section 13.2.2)."""
    match, absent = headers.get("if-match"), headers.get("if-none-match")
    changed, unchanged = (from_http(headers.get(f"if-{name}-since", "")) for name in ("modified", "unmodified"))
    if match is not None:
        if not matches(match, version):
            raise failed("If-Match")
    elif unchanged is not None and version.modified > unchanged:
        raise failed("If-Unmodified-Since")
    stale = matches(absent, version) if absent is not None else changed is not None and version.modified <= changed
    if stale:
        held = {"ETag": f'"{version.etag}"', "Last-Modified": http_date(version.modified)}
        raise Refusal("NotModified", "Not Modified", NOT_MODIFIED, headers=held)


def check_copy_source(headers: Mapping[str, str], version: Version) -> None:
    """Check the conditions on a copy's source; raises `Refusal`, 412 for all of them."""
    start = "x-amz-copy-source-"
    own = {name.removeprefix(start): value for name, value in headers.items() if name.startswith(start + "if-")}
    try:
        check_read(own, version)
    except Refusal as refusal:
        condition = refusal.elements.get("Condition", "If-None-Match")
        raise failed(f"x-amz-copy-source-{condition}") from None


def matches(written: str, version: Version) -> bool:
    """Whether one of the ETags in a condition, with or without quotes, is the version's."""
    return any(one.strip().strip('"') in {ANY, version.etag} for one in written.split(","))
