"""Who may ask: keys, signatures, tokens, permissions, and S3 read as the caller."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from msgspec.structs import replace

from tests.simulators.asking import SOMEWHERE, ask, client, jpeg, send
from tests.simulators.rekognition.caller import Caller, identify
from tests.simulators.rekognition.errors import Refusal
from tests.simulators.rekognition.running import running
from tests.simulators.rekognition.wire import Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.simulators.rekognition.running import Simulator

CALLERS: dict[str, dict[str, Any]] = {
    "AKIAGOOD": {"secret": "good"},
    "AKIAPOOR": {"secret": "poor", "rekognition": False, "quotas": False},
    "ASIAOLD": {"secret": "old", "token": "yesterday", "expired": True},
    "ASIANEW": {"secret": "new", "token": "today"},
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    file: Path = tmp_path_factory.mktemp("callers") / "callers.json"
    file.write_text(json.dumps(CALLERS))
    with running(callers=file, without_s3=True) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (Credentials("AKIAGOOD", "good"), None),
        (Credentials("ASIANEW", "new", "today"), None),
        (Credentials("AKIANOBODY", "good"), "UnrecognizedClientException"),
        (Credentials("ASIANEW", "new"), "UnrecognizedClientException"),
        (Credentials("ASIANEW", "new", "yesterday"), "UnrecognizedClientException"),
        (Credentials("AKIAGOOD", "bad"), "InvalidSignatureException"),
        (Credentials("ASIAOLD", "old", "yesterday"), "ExpiredTokenException"),
        (Credentials("AKIAPOOR", "poor"), "AccessDeniedException"),
    ],
)
def test_only_a_known_key_with_its_secret_its_token_and_permission_is_answered(
    guarded: Simulator, credentials: Credentials, code: str | None
) -> None:
    reply = ask(guarded, {"Image": SOMEWHERE}, credentials=credentials)
    assert (reply.status, reply.body.get("__type")) == (400 if code else 200, code)


def test_who_lacks_the_permission_is_told_which(guarded: Simulator) -> None:
    poor = client(guarded, aws_access_key_id="AKIAPOOR", aws_secret_access_key="poor")  # noqa: S106 - simulated
    with pytest.raises(ClientError, match="AKIAPOOR is not authorized to perform: rekognition:DetectLabels because no"):
        poor.detect_labels(Image=SOMEWHERE)


def test_a_request_without_a_signature_is_refused(guarded: Simulator) -> None:
    reply = send(guarded, b"{}", {"X-Amz-Target": "RekognitionService.DetectLabels"})
    assert reply.body == {"__type": "MissingAuthenticationTokenException", "message": "Missing Authentication Token"}


def test_a_body_that_was_not_signed_is_refused(guarded: Simulator) -> None:
    reply = ask(guarded, {"Image": SOMEWHERE}, credentials=Credentials("AKIAGOOD", "good"), signed=b"{}")
    assert reply.body["__type"] == "InvalidSignatureException"


def test_a_signature_for_another_service_is_refused(guarded: Simulator) -> None:
    reply = ask(guarded, {"Image": SOMEWHERE}, service="s3", credentials=Credentials("AKIAGOOD", "good"))
    assert "scoped to correct service: 'rekognition'" in reply.body["message"]


@pytest.mark.parametrize("stamp", ["20260101T000000Z", "yesterday"])
def test_a_signature_of_another_day_is_refused(stamp: str) -> None:
    authorization = (
        "AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/rekognition/aws4_request, SignedHeaders=host,"
        f" Signature={'0' * 64}"
    )
    request = Request("POST", "/", "", {"authorization": authorization, "x-amz-date": stamp}, b"")
    noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    with pytest.raises(Refusal, match=r"InvalidSignatureException: (Signature expired|Date must be)"):
        identify(request, "rekognition", {"K": Caller("secret")}, noon)
    anybody = identify(replace(request, body=b"x"), "rekognition", None, noon)
    assert anybody.key == "K"


def test_a_caller_that_s3_does_not_let_read_learns_nothing_more(tmp_path: Path, silent_s3: str) -> None:
    """The S3 here lets in who signs with the right secret, and the simulator signs as its caller."""
    file = tmp_path / "callers.json"
    file.write_text(json.dumps(CALLERS))
    image = {"S3Object": {"Bucket": "wildlife", "Name": "deer/1.jpg"}}
    with running(callers=file, s3=silent_s3) as simulator:
        good = ask(simulator, {"Image": image}, credentials=Credentials("AKIAGOOD", "good"))
        other = ask(simulator, {"Image": image}, credentials=Credentials("ASIANEW", "new", "today"))
    assert good.status == 200
    assert other.body["__type"] == "InvalidS3ObjectException"


@pytest.fixture
def silent_s3() -> Iterator[str]:
    """An S3 with one object, that only AKIAGOOD may read, and that checks the signature's key and region."""
    import threading  # noqa: PLC0415 - only here
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # noqa: PLC0415 - only here

    class OneObject(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(200, b"")

        def do_GET(self) -> None:
            allowed = "Credential=AKIAGOOD/" in self.headers["Authorization"]
            self.answer(*((200, jpeg()) if allowed else (403, b"<Error/>")))

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), OneObject)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
