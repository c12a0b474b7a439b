"""Service Quotas' ListServiceQuotas and ListAWSDefaultServiceQuotas, for Rekognition and in pages.

Names, codes and the other operations' numbers are made up in the shape of the real ones.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tests.simulators.rekognition.errors import Refusal

PAGE = 100
DEFAULT_TPS = 5.0
"""What an account has that never asked for more."""
OPERATIONS = ("CompareFaces", "DetectFaces", "DetectLabels", "DetectModerationLabels", "DetectText", "SearchFaces")
OTHERS = 25.0
"""The quota of the other operations here; any number that is not DetectLabels'."""


def list_quotas(body: bytes, tps: float, region: str) -> dict[str, Any]:
    """Return the page that *body* asks for; raises `Refusal`."""
    try:
        asked = msgspec.json.decode(body, type=dict[str, Any])
        start, count = int(asked.get("NextToken") or 0), int(asked.get("MaxResults") or PAGE)
    except (msgspec.DecodeError, ValueError):
        raise Refusal("IllegalArgumentException", "Invalid input was provided.") from None
    if asked.get("ServiceCode") != "rekognition":
        raise Refusal("NoSuchResourceException", "The request failed because the specified service does not exist.")
    quotas = [_quota(index, name, tps, region) for index, name in enumerate(OPERATIONS)]
    more = {"NextToken": str(start + count)} if start + count < len(quotas) else {}
    return {"Quotas": quotas[start : start + count]} | more


def _quota(index: int, operation: str, tps: float, region: str) -> dict[str, Any]:
    code = f"L-51B00{index:03}"  # invented
    return {
        "ServiceCode": "rekognition",
        "ServiceName": "Amazon Rekognition",
        "QuotaArn": f"arn:aws:servicequotas:{region}:123456789012:rekognition/{code}",
        "QuotaCode": code,
        "QuotaName": f"Transactions per second per account for the Amazon Rekognition Image operation {operation}",
        "Value": tps if operation == "DetectLabels" else OTHERS,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }
