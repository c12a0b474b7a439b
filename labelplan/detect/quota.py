"""The account's own quota for DetectLabels, as Service Quotas tells it to who may ask.

It only makes planning faster: whatever goes wrong, there is simply no quota known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from labelplan.detect.rekognition_client import is_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_TIMEOUT, READ_TIMEOUT = 2.0, 5.0
"""Seconds."""

LEAST, MOST = 0.1, 100_000
"""Calls a second that a quota can be; anything else is no quota."""

MOST_PAGES = 20
"""Rekognition has about two hundred quotas, and a page holds a hundred."""

_ODD = (ValueError, TypeError, AttributeError, KeyError)
_NAME = re.compile(r"\bDetect ?Labels\b", re.IGNORECASE)
_A_SECOND = re.compile(r"\bper second\b|\bTPS\b", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:Detect|Compare|Recognize|Search|Index|Start|Get)[A-Z]\w+")


def find_quota(region: str, rekognition: Any) -> float | None:
    """Find the calls of DetectLabels a second that the account may make in *region*; None if nobody tells.

    *rekognition*: the client that will be used. AWS is not asked about a server that stands in for it.
    """
    import boto3  # noqa: PLC0415 - slow to import, and loaded with the client
    from botocore.config import Config  # noqa: PLC0415 - as above
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 2},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
    )
    try:
        client: Any = boto3.Session().client("service-quotas", region_name=region, config=config)
        if is_aws(client) and not is_aws(rekognition):
            return None
        for list_quotas in (client.list_service_quotas, client.list_aws_default_service_quotas):
            if found := read_quotas(_listed(list_quotas)):  # the first lists no quota that was never changed
                return found
    except (BotoCoreError, ClientError, ResponseParserError, ArithmeticError, RecursionError, *_ODD):
        pass  # also what botocore's parsers let out when a server is not Service Quotas
    return None


def _listed(list_quotas: Any) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        page = list_quotas(ServiceCode="rekognition", MaxResults=100, **token)
        yield from page.get("Quotas", ())
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def read_quotas(quotas: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> float | None:
    """Find DetectLabels' calls a second among an account's *quotas*; the smallest, should several name it alone."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for quota in quotas:
        name, value = quota.get("QuotaName") or "", quota.get("Value") or 0.0
        if _NAME.search(name) and _A_SECOND.search(name) and LEAST <= value <= MOST:
            shared = any(other.lower() != "detectlabels" for other in _OTHERS.findall(name))
            found[shared].append(float(value))
    return min(found[False] or found[True], default=None)
