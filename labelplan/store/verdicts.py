"""What a reply to a delete says about what happened: yes, no, or nothing to rely on. No call is made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.store.errors import said, status, without_secrets
from labelplan.store.interface import Deleted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from botocore.exceptions import ClientError

    from labelplan.store.bulk_xml import Named

_REFUSED = frozenset({"PreconditionFailed", "NoSuchKey", "NoSuchVersion", "NotFound", "404", "412"})
"""The condition did not hold, or there is nothing (any more)."""

_LATER = frozenset(
    {
        "ConditionalRequestConflict",  # a change at the same moment
        "InternalError",
        "InternalFailure",
        "OperationAborted",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "409",
        "429",
        "500",
        "502",
        "503",
        "504",
    }
)
"""The server may do it another time, and may have done it."""

_NEVER = frozenset({"NotImplemented", "NoSuchBucket", "501"})
_REFUSALS = frozenset({404, 412})
_BUSY = frozenset({408, 409, 429})
_SERVER_ERROR = 500


def of_error(error: ClientError) -> Deleted:
    """Judge the error reply to the delete of one key."""
    code = error.response.get("Error", {}).get("Code", "")
    return _verdict(code, status(error), said(error))


def of_whole(error: ClientError) -> Deleted:
    """Judge the error reply to a request about many keys: it speaks of the request, not of a key's condition."""
    one = of_error(error)
    return Deleted("denied", message=one.message) if one.outcome == "refused" else one


def of_each(objects: Sequence[Named], reply: Any) -> dict[Named, Deleted]:
    """Judge what a reply to DeleteObjects says of each; of one that it does not name exactly so, nothing is known."""
    versions = any(one.version_id for one in objects)
    heard: dict[tuple[str, str], Deleted] = {}
    said = [(entry, _yes(entry)) for entry in reply.get("Deleted", ())]
    said += [(entry, _no(entry)) for entry in reply.get("Errors", ())]
    for entry, word in said:
        # of a removed marker, some servers say the id in the one place only
        version_id = entry.get("VersionId") or entry.get("DeleteMarkerVersionId", "")
        name = (entry.get("Key", ""), version_id if versions else "")
        heard[name] = _NOTHING if name in heard else word  # who says two things says nothing
    return {one: heard.get((one.key, one.version_id), _NOTHING) for one in objects}


_NOTHING = Deleted("doubtful", message="the reply does not say what became of this key")


def _yes(entry: dict[str, str]) -> Deleted:
    return Deleted("deleted", marker=entry.get("DeleteMarkerVersionId", ""))


def _no(entry: dict[str, str]) -> Deleted:
    code, key = entry.get("Code", ""), entry.get("Key", "")
    message = entry.get("Message", "")
    if key.strip():
        message = message.replace(key, " ".join(key.splitlines()))  # a line break in it does not end the words
    first, _, _ = message.partition("\n")
    return _verdict(code, 0, without_secrets(f"{code or 'no error code'}: {first}").rstrip(": "))


def _verdict(code: str, status: int, message: str) -> Deleted:
    """Judge S3's *code*, and the answer's HTTP *status*: 0 for a key's own error in an answer of 200."""
    if code in _NEVER:
        return Deleted("denied", message=message)
    if code in _REFUSED or status in _REFUSALS:
        return Deleted("refused", message=message)
    if not (code or status):
        return Deleted("doubtful", message=message)
    if code in _LATER or status in _BUSY or status >= _SERVER_ERROR:
        return Deleted("doubtful", message=message, busy=True)
    return Deleted("denied", message=message)
