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

from tests.simulators.rekognition.errors import internal_error, invalid_s3_object, too_large

if TYPE_CHECKING:
    from tests.simulators.rekognition.caller import Identity
    from tests.simulators.rekognition.checks import S3Reference

MOST_BYTES = 15 * 1024 * 1024
OK, SERVER_ERROR = 200, 500


class Objects:
    """The S3 at *endpoint*; called from several threads."""

    def __init__(self, endpoint: str, threads: int) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._pool = urllib3.PoolManager(maxsize=threads, retries=False, timeout=urllib3.Timeout(connect=5, read=30))
        self._regions: dict[tuple[str, str], str] = {}

    def read(self, reference: S3Reference, identity: Identity) -> bytes:
        """Return the object's bytes; raises `Refusal`."""
        bucket, name = reference.Bucket or "", reference.Name or ""
        self._check_region(bucket, identity)
        path = f"/{bucket}/{quote(name, safe='/~')}"
        query = {"versionId": reference.Version} if reference.Version is not None else {}
        response = self._ask("GET", path, query, identity)
        try:
            if response.status >= SERVER_ERROR:
                raise internal_error()
            if response.status != OK:
                raise invalid_s3_object()
            if int(response.headers.get("Content-Length", 0)) > MOST_BYTES:
                response.close()
                raise too_large()
            return response.read()
        finally:
            response.release_conn()

    def _check_region(self, bucket: str, identity: Identity) -> None:
        """Remember only the buckets that are where they should be: another may be made there at any time."""
        known = (identity.key, bucket)
        if self._regions.get(known) == identity.region:
            return
        response = self._ask("HEAD", f"/{bucket}", {}, identity)
        response.read()
        region = response.headers.get("x-amz-bucket-region", identity.region)
        if region != identity.region:
            raise invalid_s3_object()
        if response.status == OK:
            self._regions[known] = region

    def _ask(self, method: str, path: str, query: dict[str, str], identity: Identity) -> urllib3.BaseHTTPResponse:
        url = f"{self._endpoint}{path}" + (f"?{urlencode(query)}" if query else "")
        request = AWSRequest(method, url)
        credentials = Credentials(identity.key, identity.caller.secret, identity.caller.token or None)
        S3SigV4Auth(credentials, "s3", identity.region).add_auth(request)
        try:
            return self._pool.request(method, url, headers=dict(request.headers), preload_content=False)
        except urllib3.exceptions.HTTPError as error:
            print(f"S3 does not answer: {error}", file=sys.stderr, flush=True)  # noqa: T201 - its only log
            raise internal_error() from None
