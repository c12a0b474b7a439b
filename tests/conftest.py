"""What all tests share: a fake AWS configuration, a real S3 server in this process, and no other network.

Not for wire recording and faults: those are in tests/wire.py, with the tests that need them.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import uuid
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.loaders import create_loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

HERE = frozenset({"127.0.0.1", "::1", "localhost"})
REGION = "us-east-1"


@pytest.fixture(scope="session", autouse=True)
def _no_network_beyond_this_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _only_here(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _only_here(socket.socket.connect_ex))
        yield


def _only_here(connect: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def connect_here(connecting: socket.socket, address: Any) -> Any:
        if connecting.family != socket.AF_UNIX and address[0] not in HERE:
            pytest.fail(f"a test tried to connect to {address}")
        return connect(connecting, address)

    return connect_here


@pytest.fixture(scope="session", autouse=True)
def _aws_environment() -> Iterator[None]:
    """Fake credentials, nothing of the developer's own, and an endpoint where nobody answers."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        yield


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds an answer that another one, or the developer, has paid for."""
    monkeypatch.setenv("LABELPLAN_CACHE", str(tmp_path / "answers.sqlite"))


@pytest.fixture(scope="session", autouse=True)
def _service_models_loaded_once() -> Iterator[None]:
    """botocore reads megabytes of JSON for every new session; tests open hundreds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(create_loader))
        yield


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The URL of moto's server, in this process, on a free port."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - a second that tests without S3 need not pay

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    """A bare client of the server, for what a test arranges and checks; AWS_ENDPOINT_URL points to it as well."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    return boto3.session.Session().client("s3")


@pytest.fixture
def bucket(s3: S3Client) -> str:
    """A fresh bucket with versioning on."""
    name = f"wildlife-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def deer(s3: S3Client, bucket: str) -> str:
    """A bucket with five pictures, deer/1.jpg to deer/5.jpg, each with its own key as content."""
    for number in range(1, 6):
        key = f"deer/{number}.jpg"
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket
