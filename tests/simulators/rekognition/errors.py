"""The service's refusals, in its own words.

Two parts of AWS speak: the front door (who is asking, how fast, is it well-formed), whose bodies say `message`, and
Rekognition itself, whose bodies say `Code`, `Logref` and `Message` (Rekognition developer guide, "Error messages and
codes"; ValidationException and UnrecognizedClientException as seen in public logs).
"""

from __future__ import annotations

import json
import uuid

BAD_REQUEST, SERVER_ERROR = 400, 500
THROTTLES = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException"})


class Refusal(Exception):
    """No answer: *code*, *message* and the HTTP *status*; *front*: said by the front door."""

    def __init__(self, code: str, message: str, status: int = BAD_REQUEST, *, front: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.front = code, message, status, front

    @property
    def throttle(self) -> bool:
        """Whether it only says: later."""
        return self.code in THROTTLES and self.status == BAD_REQUEST

    def body(self) -> bytes:
        if self.front:
            return json.dumps({"__type": self.code, "message": self.message}).encode()
        logref = str(uuid.uuid4())
        return json.dumps({"__type": self.code, "Code": self.code, "Logref": logref, "Message": self.message}).encode()


def invalid_s3_object() -> Refusal:
    return Refusal(
        "InvalidS3ObjectException",
        "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
    )


def invalid_image() -> Refusal:
    return Refusal("InvalidImageFormatException", "Request has invalid image format")


def too_large() -> Refusal:
    return Refusal("ImageTooLargeException", "Image size is too large")


def invalid_parameters() -> Refusal:
    return Refusal("InvalidParameterException", "Request has invalid parameters")


def over_the_quota() -> Refusal:
    return Refusal("ProvisionedThroughputExceededException", "Provisioned Rate exceeded.")


def download_limit() -> Refusal:
    return Refusal("ProvisionedThroughputExceededException", "S3 download limit exceeded.")


def slow_down() -> Refusal:
    return Refusal("ThrottlingException", "Slow down; sudden increase in rate of requests.")


def internal_error() -> Refusal:
    return Refusal("InternalServerError", "Internal server error", SERVER_ERROR)


def unavailable() -> Refusal:
    return Refusal("ThrottlingException", "Service Unavailable", SERVER_ERROR)


def validation(problems: list[str]) -> Refusal:
    plural = "error" if len(problems) == 1 else "errors"
    return Refusal(
        "ValidationException", f"{len(problems)} validation {plural} detected: {'; '.join(problems)}", front=True
    )
