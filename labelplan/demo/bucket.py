"""An S3 on this machine, in this process: moto's server on a free loopback port, with the demo's bucket in it.

It answers as S3 does for what labelplan uses: versions, delete markers, conditional deletes and writes. It checks no
signatures and no permissions, and its Rekognition answers nonsense, so the demo labels with the local model.
"""

from __future__ import annotations

import contextlib
import logging
from importlib import resources
from typing import TYPE_CHECKING, Any

from labelplan.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUCKET = "labelplan-demo"
REGION = "us-east-1"


@contextlib.contextmanager
def embedded_s3() -> Iterator[str]:
    """Serve S3 on 127.0.0.1 and yield its URL; raises `MissingExtra` without the extra `demo`."""
    try:
        from moto.server import ThreadedMotoServer  # noqa: PLC0415 - only the demo needs moto
    except ImportError:
        what = "The demo needs moto's server, which is not installed."
        raise MissingExtra(what, hint='pip install "labelplan[demo]"') from None
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def aws_environment(endpoint: str) -> dict[str, str]:
    """Return the environment that points every AWS client at *endpoint*, and away from the user's own account."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def photographs() -> dict[str, bytes]:
    """Return the demo's photographs by key (`bird/duck.jpg`), in order."""
    folder = resources.files(__package__) / "photos"
    return {
        f"{kind.name}/{photo.name}": photo.read_bytes()
        for kind in sorted(folder.iterdir(), key=lambda one: one.name)
        for photo in sorted(kind.iterdir(), key=lambda one: one.name)
    }


class DemoBucket:
    """The demo's own hands and eyes in the bucket, apart from labelplan's: it fills it, and looks at what is in it."""

    def __init__(self) -> None:
        """Connect as the environment says."""
        import boto3  # noqa: PLC0415 - a slow import, only when the demo runs

        self._s3: Any = boto3.client("s3")

    def fill(self, photos: Mapping[str, bytes]) -> None:
        """Make the bucket, with versioning, and put the photographs into it."""
        self._s3.create_bucket(Bucket=BUCKET)
        self._s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        for key, content in photos.items():
            self._s3.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType="image/jpeg", Metadata={"file": key})

    def content(self) -> dict[str, tuple[bytes, str, dict[str, str]]]:
        """Return what a reader of the bucket sees now: bytes, content type and metadata by key, without run records."""
        found = {}
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for entry in page.get("Contents", ()):
                if not entry["Key"].startswith(".labelplan/"):
                    got = self._s3.get_object(Bucket=BUCKET, Key=entry["Key"])
                    found[entry["Key"]] = (got["Body"].read(), got["ContentType"], got["Metadata"])
        return found

    def run(self) -> str:
        """Return the name of the bucket's only run."""
        listed = self._s3.list_objects_v2(Bucket=BUCKET, Prefix=".labelplan/runs/", Delimiter="/")
        (prefix,) = listed["CommonPrefixes"]
        return str(prefix["Prefix"].split("/")[2])
