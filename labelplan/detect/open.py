"""Opens the detector that a spec asks for, and loads nothing of the other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from labelplan.detect.interface import Detector
    from labelplan.model.objects import S3Object
    from labelplan.model.spec import DetectorSettings


def open_detector(
    settings: DetectorSettings,
    *,
    bucket: str,
    region: str,
    fetch: Callable[[S3Object, int], bytes | None],
    max_calls: int | None,
) -> Detector:
    """Open the detector of `settings.service`; close it when done.

    *bucket*, *region* and *max_calls* (paid attempts; None: no limit) matter to Rekognition, which reads S3 itself;
    *fetch* (a store's `Reader.fetch`) to the local detector. Raises `MissingExtra` and `AwsRefused`.
    """
    if settings.service == "local":
        from labelplan.detect.local import LocalDetector  # noqa: PLC0415 - only the one that is asked for

        return LocalDetector(settings, fetch)
    from labelplan.detect.rekognition import RekognitionDetector  # noqa: PLC0415 - only the one that is asked for

    return RekognitionDetector(settings, bucket, region, max_calls)
