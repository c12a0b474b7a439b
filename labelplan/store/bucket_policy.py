"""What a bucket's policy forbids, read with the doubt on the side of the forbidden. No call is made here."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from labelplan.model.run import RUN_PREFIX

_REMOVAL = "s3:deleteobjectversion"
_HARMLESS = (
    ("Bool", "aws:SecureTransport", ["false"]),
    ("NumericLessThan", "s3:TlsVersion", None),
)
"""Conditions of a Deny that never meets who goes over today's HTTPS; very many buckets have one. None: any value."""


def may_remove_markers(policy: str) -> bool | None:
    """Tell whether nothing in the policy denies `s3:DeleteObjectVersion` on objects, to anybody; None: it is not JSON.

    Conservative: a Deny counts whoever it is for, and whatever its condition, but for plain HTTP and old TLS. One that
    is only about `.labelplan/` does not: no marker is removed there.
    """
    try:
        read = json.loads(policy)
    except ValueError:
        return None
    if not isinstance(read, dict):
        return None
    return not any(_denies(one) for one in _list(read.get("Statement")) if isinstance(one, dict))


def _denies(statement: dict[str, Any]) -> bool:
    return (
        statement.get("Effect") == "Deny"
        and _names_removal(statement)
        and _names_objects(statement)
        and not _is_harmless(statement.get("Condition"))
    )


def _names_removal(statement: dict[str, Any]) -> bool:
    if "NotAction" in statement:
        return not any(_matches(_REMOVAL, one) for one in _list(statement["NotAction"]))
    return any(_matches(_REMOVAL, one) for one in _list(statement.get("Action")))


def _names_objects(statement: dict[str, Any]) -> bool:
    """Tell whether a resource may be an object that can be planned."""
    if "NotResource" in statement:
        return True
    keys = (str(one).rpartition(":")[2].partition("/") for one in _list(statement.get("Resource")))
    return any((slash and not key.startswith(RUN_PREFIX)) or "*" in bucket for bucket, slash, key in keys)


def _is_harmless(condition: Any) -> bool:
    """Tell whether one of the conditions, all of which would have to hold, never does."""
    if not isinstance(condition, dict):
        return False
    for operator, name, values in _HARMLESS:
        compared = condition.get(operator)
        if not isinstance(compared, dict):
            continue
        wanted = {key.lower(): _list(value) for key, value in compared.items()}.get(name.lower())
        if wanted is not None and (values is None or [str(one).lower() for one in wanted] == values):
            return True
    return False


def _matches(name: str, pattern: Any) -> bool:
    # in IAM, brackets mean themselves
    return fnmatchcase(name, str(pattern).lower().replace("[", "[[]"))


def _list(value: Any) -> list[Any]:
    """Give what may stand alone as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
