"""What went wrong at Rekognition, sorted by what it means: the image, too fast, try again, or stop.

Sources: AWS, "Rekognition errors" (docs.aws.amazon.com/rekognition/latest/dg/error-handling.html), and botocore's
service model. Loads botocore; only what talks to the service needs it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.exceptions import (
    EndpointConnectionError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
)
from msgspec import Struct

from labelplan.detect.refusal import Refused
from labelplan.errors import AwsRefused
from labelplan.model.response import NO_ACCESS

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

REFUSALS = {
    "ImageTooLargeException": "image-too-large",
    "InvalidImageFormatException": "invalid-image",
    "InvalidParameterException": "invalid-parameter",  # also the word for an image under 80 pixels
    "InvalidS3ObjectException": NO_ACCESS,  # key, region, permission or KMS: the service does not tell which
}

THROTTLES = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}

LATER = {"InternalFailure", "InternalServerError", "RequestTimeout", "RequestTimeoutException", "ServiceUnavailable"}

TOO_MANY_REQUESTS, TIMEOUT, SERVER_ERROR = 429, 408, 500

PERMISSION = "Allow rekognition:DetectLabels, and s3:GetObject on the bucket, to the identity that runs labelplan."
CREDENTIALS = "Check the AWS configuration with: aws sts get-caller-identity"
SIGN_IN = "Get new credentials, for example with: aws sso login"
ENDPOINT = "Check AWS_ENDPOINT_URL_REKOGNITION and AWS_ENDPOINT_URL, or `endpoint_url` in the AWS configuration."
REGION = "Check `region` in the spec, or the AWS configuration's, and that Rekognition exists there."

WHAT_TO_DO = {
    "AccessDenied": PERMISSION,
    "AccessDeniedException": PERMISSION,
    "ExpiredToken": SIGN_IN,
    "ExpiredTokenException": SIGN_IN,
    "IncompleteSignature": CREDENTIALS,
    "InvalidClientTokenId": CREDENTIALS,
    "InvalidSignatureException": CREDENTIALS + "; a wrong clock gives this error as well.",
    "MissingAuthenticationToken": CREDENTIALS,
    "UnrecognizedClientException": CREDENTIALS,
}


class Throttled(Struct, frozen=True):
    """The call came too soon, and is not billed. *sudden*: the quota is kept to, but the rate rose too fast."""

    words: str
    sudden: bool


class Failed(Struct, frozen=True):
    """The call got no answer, through no fault of the image; it may be billed."""

    words: str


def read_client_error(error: ClientError) -> Refused | Throttled | Failed:
    """Say what an error reply means; raises `AwsRefused` if it is about neither the image nor the moment.

    An unknown error stops the run: nobody knows whether the next image would fare better.
    """
    code, words = error.response["Error"].get("Code", ""), error.response["Error"].get("Message") or ""
    words = words.partition("\n")[0]  # after a wrong signature come the request's headers, the session token among them
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    said = f"Rekognition said {code}: {words}"
    if status >= SERVER_ERROR or status == TIMEOUT or code in LATER:
        return Failed(said)
    if status == TOO_MANY_REQUESTS or code in THROTTLES:
        return Throttled(said, "slow down" in words.lower())
    if code in REFUSALS:
        return Refused(REFUSALS[code], words)
    if code == "ValidationException" and "image" in words.lower():  # the constraint that it breaks is named in words
        return Refused(NO_ACCESS if "s3object" in words.lower() else "invalid-parameter", words)
    raise AwsRefused(said, hint=WHAT_TO_DO.get(code)) from None


def read_failure(error: BotoCoreError, region: str) -> AwsRefused | Failed:
    """Say what it means that a request got no reply, or could not be sent to *region* at all."""
    said = without_userinfo(str(error))
    if isinstance(error, (InvalidRegionError, NoRegionError)) or (
        isinstance(error, EndpointConnectionError) and region not in _regions()
    ):
        return AwsRefused(f"There is no Rekognition in the region '{region}': {said}", hint=REGION)
    if type(error) is HTTPClientError:  # around an error of Python's own, which may quote a header and so a secret
        return _unsent(error)
    if isinstance(error, (NoConnectionError, HTTPClientError)):
        return Failed(f"Rekognition did not answer: {said}")
    hint = SIGN_IN if isinstance(error, NoCredentialsError) else CREDENTIALS
    return AwsRefused(f"The AWS configuration cannot be used: {said}", hint=hint)


def _unsent(error: HTTPClientError) -> AwsRefused | Failed:
    if "Invalid header" in str(error):
        what = "The AWS credentials hold a line break or another character that HTTP cannot carry."
        return AwsRefused(what, hint="Set them again without it: the access key, the secret key, the session token.")
    return Failed(f"Rekognition did not answer: {type(error.kwargs['error']).__name__} in the HTTP client")


def plain_error(body: bytes, header: str | None = None) -> bytes:
    """Leave of an error reply only what botocore can read whatever it holds: the code and the words.

    *header*: `x-amzn-errortype`, where some replies have the code alone.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = {}
    if not isinstance(found, dict):
        found = {}
    code = found.get("__type") or found.get("Code") or found.get("code") or header
    words = found.get("Message") or found.get("message")
    kept = {key: value for key, value in (("__type", code), ("message", words)) if isinstance(value, str)}
    # a lone surrogate is legal in JSON, and nothing that a plan can hold
    return json.dumps({key: value.encode("utf-8", "replace").decode() for key, value in kept.items()}).encode()


def without_userinfo(text: str) -> str:
    """Leave the user and the password out of the URLs in *text*."""
    return re.sub(r'(?<=://)[^\s"]*@', "", text)


def _regions() -> set[str]:
    """List the regions that this botocore knows to have Rekognition, in all partitions."""
    import boto3  # noqa: PLC0415 - only asked when a region cannot be reached

    session = boto3.Session()
    return {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("rekognition", partition)
    }
