"""Reads S3 objects as the caller would, and tells the service's caller nothing about why it could not.

A missing object, no permission, no permission on the KMS key, a bucket in another region: all one error.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from msgspec import Struct

from tests.simulators.rekognition.errors import internal_error, invalid_s3_object, too_large

if TYPE_CHECKING:
    from tests.simulators.rekognition.caller import Identity
    from tests.simulators.rekognition.checks import S3Reference

MOST_BYTES = 15 * 1024 * 1024
OK, SERVER_ERROR = 200, 500


class Reply(Struct, frozen=True):
    """What S3 says."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes


class Objects:
    """The S3 at *endpoint*; called from several threads."""

    def __init__(self, endpoint: str, threads: int) -> None:
        self._endpoint = endpoint.rstrip("/")
        patience = urllib3.Timeout(connect=5, read=30)
        self._pool = urllib3.connection_from_url(endpoint, maxsize=threads, timeout=patience)
        self._regions: dict[tuple[str, str], str] = {}

    def read(self, reference: S3Reference, identity: Identity) -> bytes:
        """Return the object's bytes; raises `Refusal`."""
        bucket, name = reference.Bucket or "", reference.Name or ""
        self._check_region(bucket, identity)
        query = f"?{urlencode({'versionId': reference.Version})}" if reference.Version is not None else ""
        reply = self._ask("GET", f"/{bucket}/{quote(name, safe='/~')}{query}", identity)
        if reply.status >= SERVER_ERROR:
            raise internal_error()
        if reply.status != OK:
            raise invalid_s3_object()
        return reply.body

    def _check_region(self, bucket: str, identity: Identity) -> None:
        """Remember only the buckets that are where they should be: another may be made there at any time."""
        known = (identity.key, bucket)
        if self._regions.get(known) == identity.region:
            return
        reply = self._ask("HEAD", f"/{bucket}", identity)
        region = reply.headers.get("x-amz-bucket-region", identity.region)
        if region != identity.region:
            raise invalid_s3_object()
        if reply.status == OK:
            self._regions[known] = region

    def _ask(self, method: str, target: str, identity: Identity) -> Reply:
        """Send *target* as it is: a client that tidies paths up would read `a/b` for the key `a/../a/b`."""
        request = AWSRequest(method, f"{self._endpoint}{target}")
        credentials = Credentials(identity.key, identity.caller.secret, identity.caller.token or None)
        S3SigV4Auth(credentials, "s3", identity.region).add_auth(request)
        try:
            response = self._pool.urlopen(
                method, target, headers=dict(request.headers), retries=False, preload_content=False
            )
            if int(response.headers.get("Content-Length", 0)) > MOST_BYTES and response.status == OK:
                response.close()
                raise too_large()
            reply = Reply(response.status, response.headers, response.read())
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            print(f"S3 does not answer: {error}", file=sys.stderr, flush=True)  # noqa: T201 - its only log
            raise internal_error() from None
        return reply
