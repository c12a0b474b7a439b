"""Points what all tests share at one real server after the other; a test says with `on` which ones it is for.

A server is started when the first test wants it, and runs until the last test is over.
"""

from __future__ import annotations

import functools
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

    from tests.servers.running import Server


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Server]]:
    """Give the server of a name, running."""
    with ExitStack() as started:
        yield functools.cache(lambda name: started.enter_context(running.STARTS[name]()))


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """The server that this test is for; parametrised by `on`."""
    return servers(request.param)


@pytest.fixture
def s3(server: Server, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    """A bare client of the server; labelplan finds it as the docs say, and no other service behind it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    return running.client(server.url)


@pytest.fixture
def plain_bucket(s3: S3Client) -> str:
    """A fresh bucket that never had versioning on."""
    name = f"wildlife-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name
