"""Opens the detector that a spec asks for, and loads nothing of the other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from labelplan.detect.interface import Detector
    from labelplan.model.objects import S3Object
    from labelplan.model.spec import DetectorSettings


def open_detector(  # noqa: PLR0913 - what either detector needs, by name
    settings: DetectorSettings,
    *,
    bucket: str,
    region: str,
    fetch: Callable[[S3Object, int], bytes | None],
    max_calls: int | None,
    s3_endpoint: str,
) -> Detector:
    """Open the detector of `settings.service`; close it when done.

    *bucket*, *region*, *max_calls* (paid attempts; None: no limit) and *s3_endpoint* (the URL of the server that stands
    in for S3, empty for AWS's own) matter to Rekognition, which reads S3 itself; *fetch* (a store's `Reader.fetch`) to
    the local detector. Raises `MissingExtra` and `AwsRefused`, also where Rekognition would read another S3.
    """
    if settings.service == "local":
        from labelplan.detect.local import LocalDetector  # noqa: PLC0415 - only the one that is asked for

        return LocalDetector(settings, fetch)
    from labelplan.detect.rekognition import RekognitionDetector  # noqa: PLC0415 - only the one that is asked for

    detector = RekognitionDetector(settings, bucket, region, max_calls)
    detector.refuse_other_store(s3_endpoint)
    return detector
