"""A bucket's policy: its Deny statements. All else is allowed, for who asks is the owner.

A statement denies by Principal (`*`, or the user named as the access key), Action, Resource (both with wildcards) and
the condition `Null` on `s3:if-match` ("true": requests without it). One with another condition is refused when put.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tests.simulators.s3.errors import Refusal, denied

if TYPE_CHECKING:
    from tests.simulators.s3.world import Call

_READS = {
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "GetObjectTagging": "GetObjectTagging",
    "GetObjectAcl": "GetObjectAcl",
    "PutObjectTagging": "PutObjectTagging",
    "DeleteObjectTagging": "DeleteObjectTagging",
    "PutObjectAcl": "PutObjectAcl",
    "DeleteObject": "DeleteObject",
}
"""Operations with an action of its own for versions: s3:GetObjectVersion, s3:GetObjectVersionTagging."""

_ACTIONS = {
    "CopyObject": "PutObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "PutBucketReplication": "PutReplicationConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
}


class Statement(Struct, frozen=True):
    """A Deny statement."""

    callers: re.Pattern[str]
    actions: re.Pattern[str]
    resources: re.Pattern[str]
    without_if_match: bool


def check(call: Call) -> None:
    """Refuse a request that the bucket's policy denies; `DeleteObjects` is asked key by key."""
    if call.operation in {"DeleteObjects", "CreateBucket"} or not _statements_of(call):
        return
    if call.operation == "DeleteObject":
        check_delete(call, call.key, call.version_id, call.request.headers.get("if-match"))
        return
    match = call.request.headers.get("if-match")
    _check(call, action_of(call.operation, versioned=call.version_id is not None), call.key, match)
    if call.operation == "PutObject" and call.header("x-amz-tagging"):
        _check(call, "s3:PutObjectTagging", call.key)


def check_delete(call: Call, key: str, version_id: str | None, match: str | None) -> None:
    """Refuse one delete that is denied; one that names an ETag must be allowed to read, too."""
    if not _statements_of(call):
        return
    _check(call, action_of("DeleteObject", versioned=version_id is not None), key, match)
    if match not in {None, "*"}:
        _check(call, "s3:GetObject", key)


def check_source(call: Call, bucket: str, key: str, *, versioned: bool) -> None:
    """Refuse to read a copy's source where that is denied."""
    for statement in _parsed(call.world.bucket(bucket).configured.get("policy", b"")):
        _apply(statement, call, action_of("GetObject", versioned=versioned), f"arn:aws:s3:::{bucket}/{key}", None)


def action_of(operation: str, *, versioned: bool) -> str:
    """Return the permission that an operation needs."""
    if operation in _READS:
        action = _READS[operation]
        return f"s3:{action.replace('Object', 'ObjectVersion', 1) if versioned else action}"
    return f"s3:{_ACTIONS.get(operation, operation)}"


def _check(call: Call, action: str, key: str, match: str | None = None) -> None:
    resource = f"arn:aws:s3:::{call.request.bucket}" + (f"/{key}" if key else "")
    for statement in _statements_of(call):
        _apply(statement, call, action, resource, match)


def _apply(statement: Statement, call: Call, action: str, resource: str, match: str | None) -> None:
    user = f"arn:aws:iam::{call.world.settings.account}:user/{call.caller}"
    if statement.without_if_match and match is not None:
        return
    if (
        statement.callers.fullmatch(user)
        and statement.actions.fullmatch(action)
        and statement.resources.fullmatch(resource)
    ):
        raise denied(
            f'User: {user} is not authorized to perform: {action} on resource: "{resource}" '
            "with an explicit deny in a resource-based policy"
        )


def _statements_of(call: Call) -> list[Statement]:
    bucket = call.world.buckets.get(call.request.bucket)
    return _parsed(bucket.configured["policy"]) if bucket and "policy" in bucket.configured else []


@lru_cache(64)
def _parsed(policy: bytes) -> list[Statement]:
    """Read a policy's Deny statements; raises `Refusal`."""
    if not policy:
        return []
    try:
        given = json.loads(policy)["Statement"]
        statements = given if isinstance(given, list) else [given]
        return [_statement(one) for one in statements if one["Effect"] == "Deny"]
    except (ValueError, KeyError, TypeError):
        raise Refusal("MalformedPolicy", "This policy contains invalid Json") from None


check_syntax = _parsed


def _statement(given: dict[str, Any]) -> Statement:
    condition = given.get("Condition", {})
    if condition not in ({}, {"Null": {"s3:if-match": "true"}}):
        raise Refusal("NotImplemented", "This condition is not simulated.", 501)
    principal = given["Principal"]
    callers = principal["AWS"] if isinstance(principal, dict) else principal
    return Statement(
        _pattern(callers), _pattern(given["Action"], re.IGNORECASE), _pattern(given["Resource"]), bool(condition)
    )


def _pattern(given: str | list[str], flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    each = [given] if isinstance(given, str) else given
    written = "|".join(re.escape(one).replace(r"\*", ".*").replace(r"\?", ".") for one in each)
    return re.compile(written, flags | re.DOTALL)
