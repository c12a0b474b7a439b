"""CopyObject: what is read, what the copy keeps of it, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.simulators.s3 import checksums, conditions, details, policy, xml
from tests.simulators.s3.errors import Refusal, archived, denied, invalid, invalid_request
from tests.simulators.s3.objects import said_of_write, write
from tests.simulators.s3.times import iso
from tests.simulators.s3.versions import shared
from tests.simulators.s3.wire import Reply, decoded
from tests.simulators.s3.world import asked

if TYPE_CHECKING:
    from tests.simulators.s3.bucket import Bucket
    from tests.simulators.s3.versions import Details, Version
    from tests.simulators.s3.world import Call

LARGEST = 5 * 1024**3
_CUSTOMER = "x-amz-copy-source-server-side-encryption"
_CHANGES = ("x-amz-storage-class", "x-amz-website-redirect-location", details.SSE, f"{details.SSE}-customer-algorithm")


def copy(call: Call) -> Reply:
    bucket, key, version_id = source_of(call)
    policy.check_source(call, bucket.name, key, versioned=version_id is not None)
    version = _source(bucket, key, version_id)
    headers = call.request.headers
    if not call.world.settings.ignore_copy_source_if_match:
        conditions.check_copy_source(headers, version)
    details.check_customer_key(headers, _CUSTOMER, version)
    if version.details.storage_class in details.ARCHIVES:
        raise archived(version.details.storage_class)
    if version.size > LARGEST:
        raise invalid_request(
            f"The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST}"
        )
    itself = bucket is call.bucket and key == call.key and version is bucket.newest.get(key)
    if itself and version_id is None and not _changes(call):
        raise invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )
    source_id = {"x-amz-copy-source-version-id": version.id} if bucket.versioning else {}
    made = write(call, _kept(call, version.details), version.body, version)
    said = said_of_write(call, made)
    result = {"LastModified": iso(made.modified), "ETag": said.pop("ETag")}
    result |= _checksums(said)
    headers_out = {name: value for name, value in said.items() if not name.startswith("x-amz-checksum-")}
    return Reply(200, xml.TYPE | headers_out | source_id, xml.document("CopyObjectResult", xml.elements(result)))


def source_of(call: Call) -> tuple[Bucket, str, str | None]:
    """Read which object is to be copied; raises `Refusal`."""
    written, _, version_id = call.header("x-amz-copy-source").partition("?versionId=")
    bucket, slash, key = decoded(written).removeprefix("/").partition("/")
    if not (bucket and slash and key):
        raise invalid("Invalid copy source object key", "x-amz-copy-source", written)
    owner = call.header("x-amz-source-expected-bucket-owner")
    if owner and owner != call.world.settings.account:
        raise denied()
    return call.world.bucket(bucket), key, version_id or None


def _source(bucket: Bucket, key: str, version_id: str | None) -> Version:
    try:
        return asked(bucket, key, version_id, "GET")
    except Refusal as refusal:
        if refusal.code == "MethodNotAllowed":
            raise invalid_request(
                "The source of a copy request may not specifically refer to a delete marker by version id."
            ) from None
        refusal.headers = {}
        raise


def _changes(call: Call) -> bool:
    return call.header("x-amz-metadata-directive") == "REPLACE" or any(call.header(name) for name in _CHANGES)


def _checksums(said: dict[str, str]) -> dict[str, str]:
    start = "x-amz-checksum-"
    found = {name.removeprefix(start): value for name, value in said.items() if name.startswith(start)}
    return {"ChecksumType" if name == "type" else f"Checksum{name.upper()}": value for name, value in found.items()}


def _kept(call: Call, source: Details) -> Details:
    """Return the copy's details: of the request, but for what its directives take from the source."""
    given = details.details_of(call)
    if _directive(call, "metadata") == "COPY":
        given = replace(given, headers=source.headers, metadata=source.metadata)
    if _directive(call, "tagging") == "COPY":
        given = replace(given, tags=source.tags)
    wanted = call.header("x-amz-checksum-algorithm").upper()
    return shared(replace(given, checksum=wanted or source.checksum or checksums.DEFAULT))


def _directive(call: Call, name: str) -> str:
    found = call.header(f"x-amz-{name}-directive") or "COPY"
    if found not in {"COPY", "REPLACE"}:
        raise invalid(f"Unknown {name} directive.", f"x-amz-{name}-directive", found)
    return found
