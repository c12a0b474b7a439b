"""Reads DetectLabels' parameters and checks what the service checks, also what boto3 lets through.

Limits: botocore's service model and the API reference. The words of a ValidationException are those of AWS's
frameworks, as seen in public logs of other Rekognition calls.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from tests.simulators.rekognition.errors import Refusal, invalid_parameters, validation

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 5_242_880
MOST_LABELS = 1000
DEFAULT_CONFIDENCE = 55.0
MOST_FILTERS, LONGEST_FILTER = 100, 50
MOST_COLORS = 20
FEATURES = ("GENERAL_LABELS", "IMAGE_PROPERTIES")
FILTER = r"[A-Za-z0-9àâèçñó'\-_(). ]*"
BUCKET = r"[0-9A-Za-z\.\-_]*"
BUCKET_LENGTH, NAME_LENGTH = (3, 255), (1, 1024)


class S3Reference(Struct, frozen=True):
    """Where an image lies in S3."""

    Bucket: str | None = None
    Name: str | None = None
    Version: str | None = None


class ImageMember(Struct, frozen=True):
    """The image itself, or where it is; *Bytes* is base64 on the wire."""

    Bytes: bytes | None = None
    S3Object: S3Reference | None = None


class GeneralLabels(Struct, frozen=True):
    """Which labels to leave in or out."""

    LabelInclusionFilters: tuple[str, ...] = ()
    LabelExclusionFilters: tuple[str, ...] = ()
    LabelCategoryInclusionFilters: tuple[str, ...] = ()
    LabelCategoryExclusionFilters: tuple[str, ...] = ()


class Properties(Struct, frozen=True):
    """What to say of colours."""

    MaxDominantColors: int = 10


class FeatureSettings(Struct, frozen=True):
    """Settings of the two features."""

    GeneralLabels: GeneralLabels | None = None
    ImageProperties: Properties | None = None


class Parameters(Struct, frozen=True):
    """A DetectLabels request."""

    Image: ImageMember | None = None
    MaxLabels: int | None = None
    MinConfidence: float | None = None
    Features: tuple[str, ...] = ()
    Settings: FeatureSettings | None = None

    @property
    def wants_labels(self) -> bool:
        return not self.Features or "GENERAL_LABELS" in self.Features

    @property
    def wants_properties(self) -> bool:
        return "IMAGE_PROPERTIES" in self.Features


def read_parameters(body: bytes) -> Parameters:
    """Decode a request's body; raises `Refusal`. Members that are not known are ignored, as AWS does."""
    try:
        return msgspec.json.decode(body, type=Parameters)
    except (msgspec.DecodeError, RecursionError):
        raise Refusal("SerializationException", "The request could not be read", front=True) from None


def check(parameters: Parameters) -> None:
    """Raise `Refusal` for what the service does not take."""
    problems = list(_image_problems(parameters.Image)) + list(_number_problems(parameters))
    problems += _feature_problems(parameters)
    if problems:
        raise validation(problems)
    image = parameters.Image
    if image is None or (image.Bytes is None) == (image.S3Object is None):
        raise invalid_parameters()
    if image.S3Object and (image.S3Object.Bucket is None or image.S3Object.Name is None):
        raise invalid_parameters()
    if not parameters.wants_labels and (parameters.MaxLabels is not None or parameters.MinConfidence is not None):
        raise invalid_parameters()  # a guess: the reference says only that they need GENERAL_LABELS
    if parameters.MaxLabels is not None and parameters.MaxLabels > MOST_LABELS:
        raise invalid_parameters()  # a guess: the reference names the limit and no error


def _image_problems(image: ImageMember | None) -> Iterator[str]:
    if image is None:
        yield _problem("null", "image", "must not be null")
        return
    if image.Bytes is not None:
        size = len(image.Bytes)
        shown = f"'java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]'"
        yield from _length(shown, size, "image.bytes", (1, MOST_BYTES))
    if image.S3Object:
        bucket, name, version = image.S3Object.Bucket, image.S3Object.Name, image.S3Object.Version
        yield from _text(bucket, "image.s3Object.bucket", BUCKET_LENGTH, BUCKET)
        yield from _text(name, "image.s3Object.name", NAME_LENGTH)
        yield from _text(version, "image.s3Object.version", NAME_LENGTH)


def _number_problems(parameters: Parameters) -> Iterator[str]:
    yield from _range(parameters.MaxLabels, "maxLabels", 0)
    yield from _range(parameters.MinConfidence, "minConfidence", 0, 100)
    if parameters.Settings and parameters.Settings.ImageProperties:
        colors = parameters.Settings.ImageProperties.MaxDominantColors
        yield from _range(colors, "settings.imageProperties.maxDominantColors", 0, MOST_COLORS)


def _feature_problems(parameters: Parameters) -> Iterator[str]:
    features = f"'[{', '.join(parameters.Features)}]'"
    if set(parameters.Features) - set(FEATURES):
        allowed = f"[Member must satisfy enum value set: [{', '.join(FEATURES)}]]"
        yield _problem(features, "features", f"must satisfy constraint: {allowed}")
    yield from _length(features, len(parameters.Features), "features", (0, 2))
    if parameters.Settings and parameters.Settings.GeneralLabels:
        for name, filters in msgspec.structs.asdict(parameters.Settings.GeneralLabels).items():
            where = f"settings.generalLabels.{name[0].lower()}{name[1:]}"
            yield from _filter_problems(filters, where)


def _filter_problems(filters: tuple[str, ...], where: str) -> Iterator[str]:
    shown = f"'[{', '.join(filters)}]'"
    yield from _length(shown, len(filters), where, (0, MOST_FILTERS))
    if any(len(one) > LONGEST_FILTER for one in filters):
        limit = f"[Member must have length less than or equal to {LONGEST_FILTER}, Member must have length greater than"
        yield _problem(shown, where, f"must satisfy constraint: {limit} or equal to 0]")
    if not all(re.fullmatch(FILTER, one) for one in filters):
        pattern = f"[Member must satisfy regular expression pattern: {FILTER}]"
        yield _problem(shown, where, f"must satisfy constraint: {pattern}")


def _text(value: str | None, where: str, lengths: tuple[int, int], pattern: str | None = None) -> Iterator[str]:
    if value is None:
        return
    yield from _length(f"'{value}'", len(value), where, lengths)
    if pattern and not re.fullmatch(pattern, value):
        yield _problem(f"'{value}'", where, f"must satisfy regular expression pattern: {pattern}")


def _length(shown: str, length: int, where: str, limits: tuple[int, int]) -> Iterator[str]:
    least, most = limits
    if length < least:
        yield _problem(shown, where, f"must have length greater than or equal to {least}")
    if length > most:
        yield _problem(shown, where, f"must have length less than or equal to {most}")


def _range(value: Any, where: str, least: int, most: int | None = None) -> Iterator[str]:
    if value is None:
        return
    if value < least:
        yield _problem(f"'{value}'", where, f"must have value greater than or equal to {least}")
    if most is not None and value > most:
        yield _problem(f"'{value}'", where, f"must have value less than or equal to {most}")


def _problem(shown: str, where: str, constraint: str) -> str:
    return f"Value {shown} at '{where}' failed to satisfy constraint: Member {constraint}"
