"""What can be set: once on the command line, and again while it runs (`POST /_sim/settings`).

The fields' descriptions are the command line's help; their limits are checked in both places.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the server behaves; with none of the `ignore_…` it is as AWS is."""

    account: Annotated[str, Meta(pattern="^[0-9]{12}$", description="owner of all buckets")] = "123456789012"
    region: Annotated[str, Meta(description="of buckets that are created without one")] = "us-east-1"
    latency: Annotated[
        float, Meta(ge=0, description="seconds that every answer comes later; the server has acted by then")
    ] = 0
    clock_shift: Annotated[float, Meta(description="seconds that the server's clock is ahead")] = 0
    expire_after: Annotated[
        int, Meta(ge=0, description="requests that an access key may make before it has expired; 0: any number")
    ] = 0
    only_count: Annotated[bool, Meta(description="the ledger counts, and does not keep the changes (benchmarks)")] = (
        False
    )
    ignore_delete_if_match: Annotated[bool, Meta(description="DeleteObject ignores If-Match")] = False
    ignore_bulk_etag: Annotated[bool, Meta(description="DeleteObjects ignores ETags")] = False
    ignore_copy_if_none_match: Annotated[
        bool, Meta(description="CopyObject ignores conditions on its destination, If-Match as well")
    ] = False
    ignore_copy_source_if_match: Annotated[bool, Meta(description="CopyObject ignores conditions on its source")] = (
        False
    )
    ignore_put_conditions: Annotated[bool, Meta(description="PutObject ignores If-None-Match and If-Match")] = False


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return *settings* with *changes*; raises `msgspec.ValidationError` with the field's name."""
    return msgspec.convert(msgspec.structs.asdict(settings) | changes, Settings)


def described() -> list[tuple[str, type, Any, str]]:
    """List each setting's name, type, default and description."""
    hints = get_type_hints(Settings, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(Settings):
        base, *metas = get_args(hints[field.name])
        description = next(meta.description for meta in reversed(metas) if meta.description)
        rows.append((field.name, get_origin(base) or base, field.default, description))
    return rows
