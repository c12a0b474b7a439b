"""What boto3 raises, in words a newcomer understands: each botocore error becomes one of labelplan's own.

Not for replies that a flow must act on, such as a condition that did not hold: `s3.py` reads those itself.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labelplan.errors import AwsRefused, LabelplanError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import BotoCoreError, ClientError

CONFIGURE = (
    "Configure credentials the standard way: `aws configure`, AWS_PROFILE, AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or a role. `aws sts get-caller-identity` shows whether they work."
)
PERMISSION = "The credentials in use may not do this; `aws sts get-caller-identity` shows whose they are."
ENDPOINT = "Check the network and AWS_ENDPOINT_URL_S3, then run the same command again."
SERVER = "labelplan cannot work with this server's listing; nothing was changed."
LATER = "Run the same command again later."

_USER_OF_URL = re.compile(r"(?<=://)[^/\s]*@")

_ABSENT = frozenset({404, 412})
_ARCHIVED = frozenset({"InvalidObjectState", "ObjectNotInActiveTierError"})  # Glacier: restore first
_ADVICE = (
    (
        {
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidToken",
            "SignatureDoesNotMatch",
            "TokenRefreshRequired",
            "UnrecognizedClientException",
        },
        "the credentials are wrong or expired",
        CONFIGURE,
    ),
    ({"AccessDenied", "403", "AllAccessDisabled"}, "access denied", PERMISSION),
    ({"NoSuchBucket"}, "there is no such bucket", "Check the bucket's name, and the account and endpoint in use."),
    (
        {
            "AuthorizationHeaderMalformed",
            "PermanentRedirect",
            "301",
            "302",
            "307",
            "IllegalLocationConstraintException",
        },
        "the bucket is in another region",
        "Set the bucket's own region: `region:` in the spec, or AWS_DEFAULT_REGION. Not on AWS? Check the endpoint.",
    ),
    ({"RequestTimeTooSkewed"}, "this machine's clock is wrong", "Set the clock and run the same command again."),
    ({"SlowDown", "503", "ServiceUnavailable", "500", "InternalError", "RequestTimeout"}, "S3 is too busy", LATER),
)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Raise `AwsRefused` (`UsageError` for a name that S3 cannot have) for any botocore error inside.

    *doing* completes "Cannot …", such as `list s3://wildlife/images/`.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - 30 ms that --help need not pay

    try:
        yield
    except ClientError as error:
        raise refused(error, doing) from error
    except BotoCoreError as error:
        raise unanswered(error, doing) from error
    except no_reply() as error:
        raise AwsRefused(f"Cannot {doing}: {words(error)}.", hint=ENDPOINT) from error


def no_reply() -> tuple[type[Exception], ...]:
    """Return what boto3 raises when there is no reply to be read: its own errors, and what its parsers let out."""
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    return BotoCoreError, ResponseParserError, ValueError, KeyError


def words(error: Exception) -> str:
    """Say what happened, without a secret: what a header holds, or a URL's user and password, is never repeated."""
    from botocore.exceptions import BotoCoreError, HTTPClientError  # noqa: PLC0415 - as above

    if type(error) is HTTPClientError:  # not one of its subclasses: the text is that of any error inside
        inner = error.kwargs.get("error")
        if isinstance(inner, ValueError):
            return "the credentials hold a line break or another character that HTTP cannot carry"
        return f"the request could not be sent, or its answer not read ({type(inner).__name__})"
    if isinstance(error, BotoCoreError):
        return without_secrets(str(error)).rstrip(".")
    return "the server's answer is not S3's"


def without_secrets(text: str) -> str:
    """Take user and password out of the URLs in a text."""
    return _USER_OF_URL.sub("", text)


def status(error: ClientError) -> int:
    """Return the HTTP status of an error reply."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def is_absence(error: ClientError) -> bool:
    """Tell whether an error reply means that the object asked for cannot be had: absent, changed, or archived."""
    code = _code(error)
    return code != "NoSuchBucket" and (status(error) in _ABSENT or code in _ARCHIVED)


def said(error: ClientError) -> str:
    """Return the server's own words: code and the message's first line, such as `AccessDenied: Access Denied`."""
    # after a wrong signature come the request's headers, the session token among them
    first, _, _ = str(error.response.get("Error", {}).get("Message", "")).partition("\n")
    return without_secrets(f"{_code(error)}: {first}").rstrip(": ")


def _code(error: ClientError) -> str:
    # a server that is not S3, or not STS, gives an error without a code
    return error.response.get("Error", {}).get("Code", "no error code")


def refused(error: ClientError, doing: str) -> AwsRefused:
    """Explain an error reply."""
    code = _code(error)
    for codes, words, advice in _ADVICE:
        if code in codes:
            return AwsRefused(f"Cannot {doing}: {words} ({said(error)}).", hint=advice)
    return AwsRefused(f"Cannot {doing}: the server answered {status(error)} ({said(error)}).", hint=ENDPOINT)


def unanswered(error: BotoCoreError, doing: str) -> LabelplanError:
    """Explain a call that was not made, or was not answered."""
    from botocore import exceptions as boto  # noqa: PLC0415 - as above

    match error:
        case boto.ParamValidationError():
            return UsageError(f"Cannot {doing}: S3 allows no such name.", hint="Check the bucket's name and the key.")
        case boto.NoCredentialsError() | boto.PartialCredentialsError():
            return AwsRefused(f"Cannot {doing}: no AWS credentials were found.", hint=CONFIGURE)
        case boto.PaginationError():
            return AwsRefused(f"Cannot {doing}: the server's listing goes round in circles.", hint=SERVER)
        case boto.HTTPClientError() | boto.ConnectionError():
            bad_header = type(error) is boto.HTTPClientError and isinstance(error.kwargs.get("error"), ValueError)
            return AwsRefused(f"Cannot {doing}: {words(error)}.", hint=CONFIGURE if bad_header else ENDPOINT)
    return AwsRefused(f"Cannot {doing}: {words(error)}.", hint=CONFIGURE)
