"""The simulator's HTTP: what every AWS client relies on, and its own paths."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import uuid
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.simulators.asking import SOMEWHERE, ask, client, jpeg
from tests.simulators.rekognition.running import ROOT, running

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.simulators.rekognition.running import Simulator


def test_a_refusal_has_the_body_and_the_headers_of_the_documentation(rekognition: Simulator, bucket: str) -> None:
    reply = ask(rekognition, {"Image": {"S3Object": {"Bucket": bucket, "Name": "absent.jpg"}}})
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/x-amz-json-1.1"
    assert uuid.UUID(reply.headers["x-amzn-requestid"])
    assert uuid.UUID(reply.body.pop("Logref"))
    assert reply.body == {
        "__type": "InvalidS3ObjectException",
        "Code": "InvalidS3ObjectException",
        "Message": "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
    }


def test_an_answer_passes_through_boto3_with_all_its_members(rekognition: Simulator) -> None:
    answer = client(rekognition).detect_labels(
        Image={"Bytes": jpeg()}, Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"], MinConfidence=0
    )
    assert answer["LabelModelVersion"] == "3.0"
    assert answer["Labels"]
    for label in answer["Labels"]:
        assert label.keys() == {"Name", "Confidence", "Instances", "Parents", "Aliases", "Categories"}
    assert answer["ImageProperties"]["Quality"].keys() == {"Brightness", "Sharpness", "Contrast"}
    assert answer["ImageProperties"]["DominantColors"][0].keys() == {
        "Red", "Green", "Blue", "HexCode", "CSSColor", "SimplifiedColor", "PixelPercent",
    }  # fmt: skip
    assert uuid.UUID(answer["ResponseMetadata"]["RequestId"])


def test_many_requests_go_over_one_connection(rekognition: Simulator) -> None:
    connection = HTTPConnection(urlsplit(rekognition.url).netloc)
    sockets = set()
    for _ in range(3):
        connection.request("GET", "/totals")
        connection.getresponse().read()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1
    assert None not in sockets


def test_two_requests_sent_at_once_are_both_answered(rekognition: Simulator) -> None:
    with socket.create_connection(_address(rekognition), timeout=10) as connection:
        connection.sendall(b"GET /totals HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        received = b""
        while received.count(b"in_flight") < 4:  # in_flight and peak_in_flight, twice
            received += connection.recv(4096)
    assert received.count(b"HTTP/1.1 200 OK") == 2


def test_a_client_that_waits_for_leave_to_send_gets_it(rekognition: Simulator) -> None:
    with socket.create_connection(_address(rekognition), timeout=10) as connection:
        connection.sendall(b"POST /control HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"{}")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "sent",
    [
        b"what\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_so_and_cut_off(rekognition: Simulator, sent: bytes) -> None:
    with socket.create_connection(_address(rekognition), timeout=10) as connection:
        connection.sendall(sent)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 Bad Request")
    assert rekognition.totals()["in_flight"] == 0


def test_an_operation_that_is_not_simulated_says_so(rekognition: Simulator) -> None:
    reply = ask(rekognition, {}, target="RekognitionService.DetectFaces")
    assert (reply.status, reply.body["__type"]) == (400, "UnknownOperationException")


def test_the_ledger_knows_each_key_and_each_content(rekognition: Simulator, s3: S3Client, bucket: str) -> None:
    content = jpeg(note=bucket.encode())
    sha256 = hashlib.sha256(content).hexdigest()
    for key in ("deer/1.jpg", "deer/copy.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    asked = client(rekognition)
    before = rekognition.ledger()
    for key in ("deer/1.jpg", "deer/copy.jpg", "deer/1.jpg"):
        asked.detect_labels(Image={"S3Object": {"Bucket": bucket, "Name": key}})
    after = rekognition.ledger()
    assert after["billed"] - before["billed"] == 3
    assert after["keys"][f"{bucket}/deer/1.jpg"] == {
        "attempts": 2, "billed": 2, "throttled": 0, "refused": 0, "errors": 0, "lost": 0,
    }  # fmt: skip
    assert after["contents"].keys() - before["contents"].keys() == {sha256}
    assert after["contents"][sha256] == 3
    assert after["in_flight"] == 0
    assert after["peak_in_flight"] >= 1


def test_a_setting_can_change_while_it_runs(rekognition: Simulator) -> None:
    assert rekognition.control(model_version="3.1")["model_version"] == "3.1"
    assert client(rekognition).detect_labels(Image={"Bytes": jpeg()})["LabelModelVersion"] == "3.1"


@pytest.mark.parametrize("wrong", [{"tps": 0}, {"error_rate": 1.5}, {"nonsense": 1}, {"next": ["fire"]}])
def test_a_setting_that_makes_no_sense_is_refused_by_name(rekognition: Simulator, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        rekognition.control(**wrong)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_on_a_signal_also_while_somebody_is_connected(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.simulators.rekognition", "--without-s3"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - this Python
        assert process.stdout
        assert process.stderr
        url = urlsplit(process.stdout.readline().strip())
        with socket.create_connection((url.hostname or "", url.port or 0)):
            os.kill(process.pid, number)
            assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_it_ends_with_who_started_it() -> None:
    with running(without_s3=True) as simulator:
        assert client(simulator).detect_labels(Image=SOMEWHERE)["Labels"] is not None
    with pytest.raises(ConnectionRefusedError):
        simulator.totals()


@pytest.mark.parametrize(("options", "words"), [((), "Which S3"), (("--without-s3", "--tps", "0"), "tps")])
def test_a_start_that_makes_no_sense_says_why(options: tuple[str, ...], words: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_ENDPOINT")}
    command = [sys.executable, "-m", "tests.simulators.rekognition", *options]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - this Python
    assert ended.returncode == 1
    assert words in ended.stderr


def _address(simulator: Simulator) -> tuple[str, int]:
    url = urlsplit(simulator.url)
    assert url.hostname
    assert url.port
    return url.hostname, url.port
