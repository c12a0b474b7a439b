"""Opens the detector that a spec asks for, and loads nothing of the other one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelplan.model.spec import NO_QUOTA

if TYPE_CHECKING:
    from collections.abc import Callable

    from labelplan.detect.interface import Detector
    from labelplan.model.objects import S3Object
    from labelplan.model.spec import DetectorSettings

LEAST_QUOTA = 5.0
"""Calls a second that even a new account may make in the smallest region."""


def open_detector(  # noqa: PLR0913 - what either detector needs, by name
    settings: DetectorSettings,
    *,
    bucket: str,
    region: str,
    fetch: Callable[[S3Object, int], bytes | None],
    first_bytes: Callable[[S3Object, int], bytes | None],
    max_calls: int | None,
    s3_endpoint: str,
    tps: float | None = None,
    requester_pays: bool = False,
) -> Detector:
    """Open the detector of `settings.service`; close it when done.

    *fetch* and *first_bytes* are the store's `Reader`'s. The rest matters to Rekognition, which reads S3 itself:
    *max_calls* are paid attempts (None: no limit); *s3_endpoint* is the URL of the server that stands in for S3, empty
    for AWS's own; *tps* replaces the spec's and the account's quota. Raises `MissingExtra` and `AwsRefused`, also where
    Rekognition would read another S3.
    """
    if settings.service == "local":
        from labelplan.detect.local import LocalDetector  # noqa: PLC0415 - only the one that is asked for

        return LocalDetector(settings, fetch)
    from labelplan.detect import rekognition, rekognition_client  # noqa: PLC0415 - only the one that is asked for

    client = rekognition_client.make_client(region)
    rekognition_client.refuse_other_store(client, s3_endpoint)
    objects = rekognition.Objects(bucket, fetch, first_bytes, requester_pays)
    limits = rekognition.Limits(*_quota(tps, settings.tps, client), max_calls)
    return rekognition.RekognitionDetector(client, settings, objects, limits)


def _quota(given: float | None, of_spec: float | None, client: Any) -> tuple[float, str]:
    """Choose the quota, in calls a second, and say where it comes from."""
    from labelplan.detect.quota import find_quota  # noqa: PLC0415 - only for Rekognition

    if given is not None:
        return given, "--tps"
    if of_spec is not None:
        return of_spec, "the spec"
    if found := find_quota(client.meta.region_name, client):
        return found, "Service Quotas"
    return LEAST_QUOTA, NO_QUOTA
