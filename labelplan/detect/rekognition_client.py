"""The botocore client for Rekognition: one attempt a call, and whether it talks to AWS at all.

Retries are `rekognition.py`'s own, since each attempt takes a turn and costs money. boto3 is imported when a client is
made.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from labelplan import __version__
from labelplan.detect.interface import AT_AWS
from labelplan.errors import AwsRefused
from labelplan.model.objects import AWS_DOMAINS

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 30.0
"""Seconds. Giving up on a reply that is under way pays for it twice; an answer takes less than one."""

MOST_IN_FLIGHT = 256
"""Calls at once; at more threads than that one process gets slower, not faster."""


def make_client(region: str) -> Any:
    """Make the client from the usual AWS configuration; raises `AwsRefused`."""
    import boto3  # noqa: PLC0415 - slow to import, and not needed for the local detector
    from botocore.config import Config  # noqa: PLC0415 - as above
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above

    from labelplan.detect.rekognition_errors import ENDPOINT, read_failure  # noqa: PLC0415 - needs botocore

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=MOST_IN_FLIGHT,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        user_agent_extra=f"labelplan/{__version__}",
    )
    try:
        client: Any = boto3.Session().client("rekognition", region_name=region, config=config)
        _ = urlsplit(client.meta.endpoint_url).port  # botocore looks at it only as it sends
    except BotoCoreError as error:
        said = read_failure(error, region)
        raise (said if isinstance(said, AwsRefused) else AwsRefused(said.words)) from None
    except ValueError:  # its text is the URL, and a password may be in that
        raise AwsRefused("Rekognition's endpoint in the AWS configuration is no URL.", hint=ENDPOINT) from None
    return client


def is_aws(client: Any) -> bool:
    """Tell whether *client*, of any service, talks to AWS."""
    return (urlsplit(client.meta.endpoint_url).hostname or "").endswith(AWS_DOMAINS)


def identity_of(client: Any) -> str:
    """Name the service that answers: AWS's Rekognition everywhere is one, any other is named by its URL."""
    if is_aws(client):
        return AT_AWS
    url = urlsplit(client.meta.endpoint_url)
    return f"rekognition at {url.scheme}://{url.netloc.rpartition('@')[2]}{url.path.rstrip('/')}"


def refuse_other_store(client: Any, s3_endpoint: str) -> None:
    """Raise `AwsRefused` if the objects are not at AWS and *client* is AWS's Rekognition.

    It would label the objects of a bucket at AWS that has the same name. *s3_endpoint*: the URL of the server that
    stands in for S3, empty for AWS's own.
    """
    if s3_endpoint and is_aws(client):
        what = f"The bucket is at {s3_endpoint}, which AWS's Rekognition cannot read: it would look for one at AWS."
        todo = "`detector: {service: local}`, or set AWS_ENDPOINT_URL_REKOGNITION to a server that reads it."
        raise AwsRefused(what, hint=f"Use {todo}")
