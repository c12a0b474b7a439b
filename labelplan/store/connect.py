"""How labelplan talks to S3: clients with the right retries, the endpoint's and the caller's identity.

Only the standard AWS configuration is used: profiles, environment, roles, `AWS_ENDPOINT_URL_S3`. Which calls are made
is the business of `s3.py`. boto3 is imported when the first client is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labelplan import __version__
from labelplan.errors import AwsRefused
from labelplan.model.objects import AWS_DOMAINS
from labelplan.store.errors import explained

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

IN_FLIGHT = 16
"""How many calls a client can have under way at once."""

READING = frozenset(
    {
        "GetBucketAcl",
        "GetBucketLifecycleConfiguration",
        "GetBucketOwnershipControls",
        "GetBucketPolicy",
        "GetBucketReplication",
        "GetBucketVersioning",
        "GetObject",
        "GetObjectAcl",
        "GetObjectTagging",
        "HeadBucket",
        "HeadObject",
        "ListObjectVersions",
        "ListObjectsV2",
    }
)
"""The S3 operations that change nothing; a client made with `changes=False` makes no other."""


def open_session() -> Session:
    """Read the AWS configuration; raises `AwsRefused` when it cannot be used, such as an unknown profile."""
    import boto3  # noqa: PLC0415 - half a second that only commands with a bucket pay

    with explained("read the AWS configuration"):
        return boto3.session.Session()


def open_client(session: Session, region: str | None, *, changes: bool) -> S3Client:
    """Make an S3 client. One for *changes* never sends a call twice; any other refuses to send a call that changes.

    A lost reply changes the truth: a delete that is sent again makes a second delete marker, so nothing is retried
    before somebody has looked. Reading is retried three times.
    """
    region = region or session.region_name or "us-east-1"
    with explained("use the AWS configuration"):
        try:
            client = session.client("s3", region_name=region, config=_config(1 if changes else 4))
            endpoint_of(client)  # its port is a number
        except ValueError as error:
            # what is no URL may hold a password anywhere
            ours = str(error).startswith("Invalid endpoint: ") and "@" not in str(error)
            text = error if ours else "the endpoint is not a URL"
            raise AwsRefused(f"Cannot use the AWS configuration: {text}.", hint="Check AWS_ENDPOINT_URL_S3.") from error
    client.meta.events.register("before-call.s3", _follow_no_redirect)
    if not changes:
        client.meta.events.register("before-call.s3", _refuse_changes)
    return client


def _config(attempts: int) -> Any:
    from botocore.config import Config  # noqa: PLC0415 - as above

    return Config(
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=IN_FLIGHT,
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra=f"labelplan/{__version__}",
    )


def _follow_no_redirect(context: dict[str, Any], **_: object) -> None:
    # a bucket in another region is refused, not followed; and botocore asks a server that redirects everything for the
    # bucket's region until the stack is full
    context.get("s3_redirect", {})["redirected"] = True


def _refuse_changes(model: OperationModel, **_: object) -> None:
    if model.name not in READING:
        msg = f"labelplan tried to call {model.name} where nothing may change: this is a bug, and nothing was sent."
        raise PermissionError(msg)


def endpoint_of(client: S3Client) -> str:
    """Return the URL of S3's stand-in, normalised and without a user; empty for AWS's own endpoints (VPC ones too)."""
    url = urlsplit(client.meta.endpoint_url)
    host = url.hostname or ""
    if _is_aws(client.meta.endpoint_url):
        return ""
    port = "" if url.port in {None, {"http": 80, "https": 443}.get(url.scheme)} else f":{url.port}"
    name = f"[{host}]" if ":" in host else host
    return f"{url.scheme}://{name}{port}{url.path.rstrip('/')}"


def caller_account(session: Session, client: S3Client) -> str:
    """Ask STS for the caller's 12-digit account id; empty on a server that has no accounts.

    AWS's own STS is never asked about another server's credentials.
    """
    own_s3 = not endpoint_of(client)
    with explained("use the AWS configuration"):
        sts = session.client("sts", region_name=client.meta.region_name, config=_config(4))
    if not own_s3 and _is_aws(sts.meta.endpoint_url):
        return ""
    try:
        with explained("ask AWS which account the credentials belong to"):
            return sts.get_caller_identity()["Account"]
    except AwsRefused:
        if own_s3:
            raise
        return ""  # one URL for all services, and behind it a server that knows S3 only


def _is_aws(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(AWS_DOMAINS)
