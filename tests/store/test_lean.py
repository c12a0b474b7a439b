"""The short way of a HEAD and a copy: when it is taken, what it signs and sends, and its connections."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpsession import get_cert_path

from labelplan.model.run import Attributes
from labelplan.store import lean
from labelplan.store.interface import Copied, Place
from labelplan.store.lean_connections import Connections, Request
from labelplan.store.s3 import open_writer
from tests.flow.copying import KEY, new_bucket, put, seen
from tests.simulators.s3.running import running
from tests.wire import lost_replies, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from tests.simulators.s3.running import Simulator
    from tests.wire import Sent

PLAIN = Attributes(encryption="AES256")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as started:
        yield started


@pytest.fixture
def s3(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", simulator.url)
    return boto3.session.Session().client("s3")


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return new_bucket(s3)


def everywhere(one: Sent) -> bool:
    return bool(one.key)


def test_a_head_that_is_not_answered_is_asked_again_by_boto3(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    with recorded(lost_replies(everywhere)) as wire:
        assert open_writer(bucket).describe(one) == PLAIN
    assert ["amz-sdk-invocation-id" in sent.headers for sent in wire.sent] == [False, True]


@pytest.mark.parametrize(
    "environment",
    [
        {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": ""},
        {"AWS_ENDPOINT_URL_S3": "https://localhost:1", "AWS_CA_BUNDLE": "/nowhere"},
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
    ],
)
def test_an_unusual_configuration_goes_the_long_way(
    bucket: str, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    writer: Any = open_writer(bucket, account="")
    assert writer._lean is None


def test_over_tls_only_a_known_server_is_spoken_to(monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://localhost:1")
    writer: Any = open_writer(bucket, account="")
    context = writer._lean._wire._context
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    assert context.cert_store_stats()["x509_ca"] > 50
    reply = writer.copy_in(Place(bucket, KEY, "e"), "copy", Attributes(), absent=False)
    assert reply.outcome == "doubtful"


def test_over_tls_whom_the_configuration_trusts_is_trusted(
    monkeypatch: pytest.MonkeyPatch, bucket: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://localhost:1")
    for bundle in (tmp_path / "one.pem", tmp_path):
        (tmp_path / "one.pem").write_text(_first_certificate())
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        writer: Any = open_writer(bucket, account="")
        stats = writer._lean._wire._context.cert_store_stats()
        assert stats["x509_ca"] == (1 if bundle.is_file() else 0)  # a folder is read when a server is to be known


def _first_certificate() -> str:
    end = "-----END CERTIFICATE-----\n"
    bundle: Any = get_cert_path(verify=True)
    return Path(bundle).read_text(encoding="utf-8").partition(end)[0] + end


@pytest.mark.parametrize("url", ["https://b.s3.amazonaws.com/learnt-from", "https://s3.amazonaws.com/b/learnt-from"])
def test_where_a_bucket_is_and_how_it_is_signed_is_learnt_from_a_request(url: str) -> None:
    signed = "AWS4-HMAC-SHA256 Credential=AKIA/20261122/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    request: Any = AWSRequest(
        "HEAD", url, {"Authorization": signed, "X-Amz-Request-Payer": "requester", "X-Other": "1"}
    )
    pattern = lean._pattern_of(request)
    assert pattern == (url.removesuffix("learnt-from"), {"X-Amz-Request-Payer": "requester"}, "s3", "eu-west-1")
    request.headers.replace_header("Authorization", signed.replace("HMAC-SHA256", "ECDSA-P256-SHA256"))
    assert lean._pattern_of(request) is None


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    served = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for said in (b"", b"", b"Connection: close\r\n"):
                client, _ = server.accept()
                with client:
                    served.append(client.recv(1 << 16))
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + said + b"\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        wire = Connections(url)
        for _ in range(3):
            assert wire.send(Request("HEAD", url + "/b/a%20b", {"X-A": "b"})).status_code == 200
            while wire._idle and not select.select([wire._idle[0].sock], [], [], 10)[0]:
                pass
        assert not wire._idle
        thread.join()
    assert all(one.startswith(b"HEAD /b/a%20b HTTP/1.1\r\n") for one in served)
    assert len(served) == 3


def test_a_signature_is_of_the_credentials_as_they_are_now(s3: S3Client, bucket: str) -> None:
    one = put(s3, bucket)
    writer: Any = open_writer(bucket, account="")
    writer.describe(one)
    credentials = writer._session.get_credentials()
    credentials.access_key, credentials.token = "ANOTHER", "a-token"
    with recorded() as wire:
        writer.describe(one)
    assert "Credential=ANOTHER/" in wire.sent[0].headers["authorization"]
    assert wire.sent[0].headers["x-amz-security-token"] == "a-token"


def test_a_bucket_named_by_an_arn_is_left_to_boto3(bucket: str) -> None:
    writer: Any = open_writer(bucket, account="")
    arn = "arn:aws:s3:us-east-1:123456789012:accesspoint/a"
    assert writer._lean.copy("copy", Place(arn, KEY, "e")) is None


def test_a_described_object_is_found_under_exactly_its_key(s3: S3Client, bucket: str) -> None:
    odd = ["a/../b", "..", "a//b", "q?x=1", "h#x", "p+%41", "=é\u2028", "nl\nx", " lead", "z" * 1024]
    writer = open_writer(bucket)
    for key in odd:
        one = put(s3, bucket, key, key.encode())
        with recorded() as wire:
            assert writer.describe(one) == PLAIN
        assert len(wire.sent) == 1
        copied = writer.copy_in(writer.place(key, one.etag), "copy", Attributes(), absent=False)
        assert copied == Copied("copied")
        assert seen(s3, bucket, "copy")["Body"] == key.encode()
