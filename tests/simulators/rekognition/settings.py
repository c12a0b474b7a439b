"""What can be set: once on the command line, and again while it runs (`POST /control`).

The fields' descriptions are the command line's help; their limits are checked in both places.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

Fault = Literal["none", "error", "unavailable", "throttle", "download", "reset", "reset-billed", "slow", "hang"]
"""What can happen to a call besides its answer.

*error*, *unavailable*: the two kinds of HTTP 500; *throttle*, *download*: the quota's and S3's throttle, whatever the
quota says; *reset*: the connection is reset before the call is billed, *reset-billed*: after.
"""

Share = Annotated[float, Meta(ge=0, le=1)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the service behaves; seconds, calls a second, shares from 0 to 1."""

    tps: Annotated[float, Meta(gt=0, description="quota of DetectLabels: calls a second")] = 50
    depth: Annotated[float, Meta(gt=0, description="depth of the quota's token bucket, in seconds of --tps")] = 1
    ramp: Annotated[
        float, Meta(ge=0, description="most calls in a second: this multiple of the 3 s before, plus 10; 0: any")
    ] = 0
    latency: Annotated[float, Meta(ge=0, description="median seconds until an answer (lognormal)")] = 0.25
    sigma: Annotated[float, Meta(ge=0, description="the lognormal's sigma; 0.4 puts p99 at 2.5 medians")] = 0.4
    refusal_latency: Annotated[float, Meta(ge=0, description="seconds until a throttle or another error")] = 0.02
    error_rate: Annotated[Share, Meta(description="share of calls that end in a 500")] = 0
    reset_rate: Annotated[Share, Meta(description="share whose connection is reset, every other one when billed")] = 0
    download_rate: Annotated[Share, Meta(description="share throttled for S3 downloads")] = 0
    slow_rate: Annotated[Share, Meta(description="share that takes --slow-seconds longer")] = 0
    slow_seconds: Annotated[float, Meta(ge=0, description="what a slow answer takes longer")] = 5
    hang_rate: Annotated[Share, Meta(description="share that is billed and never answered")] = 0
    hang_seconds: Annotated[float, Meta(ge=0, description="when a call that hangs is cut off at last")] = 300
    model_version: Annotated[str, Meta(description="LabelModelVersion of the answers")] = "3.0"
    no_quotas: Annotated[bool, Meta(description="ListServiceQuotas is not permitted")] = False
    without_s3: Annotated[bool, Meta(description="answer for every key without reading it (benchmarks)")] = False
    next: Annotated[
        tuple[Fault, ...], Meta(description="what happens to the next calls, in their order, before chance has a say")
    ] = ()


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
