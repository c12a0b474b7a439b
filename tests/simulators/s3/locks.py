"""Object Lock: retention and legal hold, what they protect, and the bucket's configuration of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.simulators.s3 import checksums, xml
from tests.simulators.s3.errors import Refusal, invalid, invalid_request, locked, malformed
from tests.simulators.s3.times import from_iso, iso
from tests.simulators.s3.versions import Lock
from tests.simulators.s3.wire import Reply

if TYPE_CHECKING:
    from tests.simulators.s3.bucket import Bucket
    from tests.simulators.s3.versions import Version
    from tests.simulators.s3.world import Call

MODES = frozenset({"GOVERNANCE", "COMPLIANCE"})
BYPASS = "x-amz-bypass-governance-retention"
_DAY, _YEAR = 86_400, 365 * 86_400


def lock_of_headers(call: Call) -> Lock:
    """Read the lock that a PUT or a copy asks for, or the bucket's default; raises `Refusal`."""
    start = "x-amz-object-lock-"
    mode, until, hold = (call.header(start + name) for name in ("mode", "retain-until-date", "legal-hold"))
    if not (mode or until or hold):
        return _default(call)
    require_locks(call.bucket)
    if not call.header("x-amz-copy-source") and not checksums.present(call.request.headers):
        raise invalid_request(
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
        )
    if bool(mode) != bool(until):
        raise invalid("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
    lock = _retention(mode, until, call.world.now()) if mode else _default(call)
    return replace(lock, hold=hold)


def _retention(mode: str, until: str, now: int) -> Lock:
    if mode not in MODES:
        raise invalid("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
    lock = Lock(mode, from_iso(until))
    if lock.until <= now:
        raise invalid("The retain until date must be in the future!")
    return lock


def _default(call: Call) -> Lock:
    written = call.bucket.configured.get("object-lock", b"").decode()
    mode, length = re.search("<Mode>([A-Z]+)<", written), re.search("<(Days|Years)>([0-9]+)<", written)
    if not (mode and length):
        return Lock()
    return Lock(mode[1], call.world.now() + int(length[2]) * (_DAY if length[1] == "Days" else _YEAR))


def require_locks(bucket: Bucket) -> None:
    if not bucket.locks:
        raise invalid_request("Bucket is missing Object Lock Configuration")


def check_bypass(bucket: Bucket, bypass: str) -> None:
    """Refuse the bypass header where there is nothing to bypass."""
    if bypass and not bucket.locks:
        raise invalid(f"{BYPASS} is only applicable to Object Lock enabled buckets.", BYPASS, bypass)


def check_removal(version: Version, bypass: str, now: int) -> None:
    """Protect a version from being removed; raises `Refusal`."""
    lock = version.details.lock
    governed = lock.mode == "GOVERNANCE" and bypass.lower() == "true"
    if lock.hold == "ON" or (lock.mode and lock.until > now and not governed):
        raise locked()


def headers_of(lock: Lock) -> dict[str, str]:
    """Say a version's lock."""
    said = {"x-amz-object-lock-mode": lock.mode, "x-amz-object-lock-legal-hold": lock.hold}
    if lock.mode:
        said["x-amz-object-lock-retain-until-date"] = iso(lock.until)
    return {name: value for name, value in said.items() if value}


def put_retention(call: Call) -> Reply:
    require_locks(call.bucket)
    version, said = call.version(), xml.texts(xml.parse(call.request.body, "Retention"))
    old, now = version.details.lock, call.world.now()
    if said and said.keys() != {"Mode", "RetainUntilDate"}:
        raise malformed()
    new = _retention(said["Mode"], said["RetainUntilDate"], now) if said else Lock()
    weaker = new.until < old.until or new.mode != old.mode
    if old.mode and old.until > now and weaker:
        check_removal(version, call.header(BYPASS), now)
    version.change(lock=replace(new, hold=old.hold))
    return Reply()


def get_retention(call: Call) -> Reply:
    require_locks(call.bucket)
    lock = call.version().details.lock
    if not lock.mode:
        raise _none()
    body = xml.document("Retention", xml.elements({"Mode": lock.mode, "RetainUntilDate": iso(lock.until)}))
    return Reply(200, xml.TYPE, body)


def put_legal_hold(call: Call) -> Reply:
    require_locks(call.bucket)
    version, said = call.version(), xml.texts(xml.parse(call.request.body, "LegalHold"))
    if said.get("Status") not in {"ON", "OFF"}:
        raise malformed()
    version.change(lock=replace(version.details.lock, hold=said["Status"]))
    return Reply()


def get_legal_hold(call: Call) -> Reply:
    require_locks(call.bucket)
    hold = call.version().details.lock.hold
    if not hold:
        raise _none()
    return Reply(200, xml.TYPE, xml.document("LegalHold", xml.elements({"Status": hold})))


def _none() -> Refusal:
    return Refusal(
        "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration", 404
    )
