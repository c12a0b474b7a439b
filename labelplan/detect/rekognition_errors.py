"""What went wrong at Rekognition, sorted by what it means: an unreadable image, try later, or stop.

Sources: AWS, "Rekognition errors" (docs.aws.amazon.com/rekognition/latest/dg/error-handling.html), and botocore's
service model. Loads botocore; only `rekognition.py` needs it, once it talks to the service.
"""

from __future__ import annotations

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

from labelplan.errors import AwsRefused, DetectorFailed
from labelplan.model.response import Unreadable

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

    from labelplan.errors import LabelplanError

ABOUT_THE_IMAGE = {
    "ImageTooLargeException",
    "InvalidImageFormatException",
    "InvalidParameterException",  # DetectLabels' word for an image under 80 pixels
    "InvalidS3ObjectException",  # key, region, permission or KMS: the service does not tell which
}

TRY_LATER = {
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestTimeout",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}

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


def read_client_error(error: ClientError) -> Unreadable:
    """Say why the service refused an image; raises `DetectorFailed` or `AwsRefused` if it is not about the image.

    An unknown error stops the run: nobody knows whether the next image would fare better.
    """
    code, words = error.response["Error"].get("Code", ""), error.response["Error"].get("Message") or ""
    words = words.partition("\n")[0]  # after a wrong signature come the request's headers, the session token among them
    if code in ABOUT_THE_IMAGE:
        return Unreadable(code, words)
    said = f"Rekognition said {code}: {words}"
    if code in TRY_LATER or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:  # noqa: PLR2004 - HTTP's server errors
        raise DetectorFailed(said) from None
    raise AwsRefused(said, hint=WHAT_TO_DO.get(code)) from None


def read_failure(error: BotoCoreError, region: str) -> LabelplanError:
    """Make the error for a request that got no reply, or could not be sent to *region* at all."""
    said = without_userinfo(str(error))
    if isinstance(error, (InvalidRegionError, NoRegionError)) or (
        isinstance(error, EndpointConnectionError) and region not in _regions()
    ):
        return AwsRefused(f"There is no Rekognition in the region '{region}': {said}", hint=REGION)
    if type(error) is HTTPClientError:  # around an error of Python's own, which may quote a header and so a secret
        return _unsent(error)
    if isinstance(error, (NoConnectionError, HTTPClientError)):
        return DetectorFailed(f"Rekognition did not answer: {said}")
    hint = SIGN_IN if isinstance(error, NoCredentialsError) else CREDENTIALS
    return AwsRefused(f"The AWS configuration cannot be used: {said}", hint=hint)


def _unsent(error: HTTPClientError) -> LabelplanError:
    if "Invalid header" in str(error):
        what = "The AWS credentials hold a line break or another character that HTTP cannot carry."
        return AwsRefused(what, hint="Set them again without it: the access key, the secret key, the session token.")
    return DetectorFailed(f"Rekognition did not answer: {type(error.kwargs['error']).__name__} in the HTTP client")


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
