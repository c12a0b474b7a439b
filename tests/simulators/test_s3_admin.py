"""The simulated S3 as a tool: its ledger, its rules, its seeds and dumps, and its wire."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.simulators.process import ROOT
from tests.simulators.s3.asking import Place, client
from tests.simulators.s3.checksums import written
from tests.simulators.s3.running import Simulator, running
from tests.simulators.s3.wire import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running() as one:
        yield one


@pytest.fixture
def place(simulator: Simulator) -> Place:
    one = Place(simulator, client(simulator))
    one.turn("Enabled")
    simulator.clear_rules()
    simulator.forget()
    return one


def test_the_ledger_counts_requests_and_refusals(place: Place) -> None:
    place.put("key")
    for _ in range(2):
        place.refused("get_object", Key="never")
    place.delete_many({"Key": "key"}, {"Key": "never", "ETag": "x"})
    assert place.simulator.counts() == {
        "requests": {"PutObject": 1, "GetObject": 2, "DeleteObjects": 1},
        "refused": {"GetObject:NoSuchKey": 2},
        "objects": {"asked": 2, "refused": 1},
    }


def test_the_ledger_keeps_every_request_that_would_change_something(place: Place) -> None:
    etag = place.put("key", IfNoneMatch="*")
    place.ask("delete_object", Key="key", IfMatch=etag, ExpectedBucketOwner="123456789012")
    place.refused("delete_object", Key="key", IfMatch=etag)
    place.ask("head_bucket")
    marker = place.ask("list_object_versions")["DeleteMarkers"][0]["VersionId"]
    place.ask("delete_object", Key="key", VersionId=marker)
    listed = place.delete_many({"Key": "key", "ETag": etag}, {"Key": "never", "ETag": etag})["Deleted"][0]
    put, delete, refused, removal, many = place.simulator.changes()
    assert (put["operation"], put["conditions"], put["status"]) == ("PutObject", {"if-none-match": "*"}, 200)
    assert delete["conditions"] == {"if-match": etag, "x-amz-expected-bucket-owner": "123456789012"}
    assert (delete["made"], delete["version_id"], delete["code"]) == (marker, None, "")
    assert (refused["status"], refused["code"]) == (404, "NoSuchKey")
    assert (removal["version_id"], removal["key"], removal["bucket"]) == (marker, "key", place.name)
    assert many["objects"] == [["key", None, etag, listed["DeleteMarkerVersionId"]], ["never", None, etag, ""]]
    assert many["errors"] == {"never": "NoSuchKey"}


def test_the_ledger_can_only_count() -> None:
    with running(only_count=True) as simulator:
        Place(simulator, client(simulator)).put("key")
        assert simulator.changes() == []
        assert simulator.counts()["requests"] == {"CreateBucket": 1, "PutObject": 1}


class TestRules:
    def test_a_rule_disturbs_so_many_requests_of_an_operation_after_others(self, place: Place) -> None:
        place.simulator.rules({"operation": "PutObject", "skip": 1, "count": 2, "status": 503, "code": "SlowDown"})
        answers = [place.refused("put_object", Key=f"{number}") for number in range(4)]
        assert answers == ["", "503 SlowDown", "503 SlowDown", ""]
        assert list(place.simulator.dump(place.name)["keys"]) == ["0", "3"]
        assert place.simulator.rules() == []

    def test_a_rule_can_be_about_keys_and_about_any_operation(self, place: Place) -> None:
        place.simulator.rules({"prefix": "deer/", "status": 500, "code": "InternalError"})
        assert place.refused("put_object", Key="elk/1") == ""
        assert place.refused("head_object", Key="deer/1") == "500 500"

    def test_the_server_can_act_and_then_fail(self, place: Place) -> None:
        place.simulator.rules({"operation": "DeleteObject", "after": True, "status": 500, "code": "InternalError"})
        assert place.refused("delete_object", Key="key") == "500 InternalError"
        assert place.history("key") == ["marker"]
        assert place.simulator.changes()[-1]["made"]

    def test_a_copy_can_fail_inside_of_a_200(self, place: Place) -> None:
        place.put("key")
        place.simulator.rules({"operation": "CopyObject", "status": 200, "code": "InternalError"})
        assert place.refused("copy_object", Key="copy", CopySource=f"{place.name}/key").endswith("InternalError")
        assert place.history("copy") == []

    @pytest.mark.parametrize("after", [False, True])
    def test_single_keys_of_a_batch_can_fail(self, place: Place, after: bool) -> None:  # noqa: FBT001 - a parameter
        rule = {"operation": "DeleteObjects/Key", "skip": 1, "code": "InternalError", "status": 500, "after": after}
        place.simulator.rules(rule)
        answer = place.delete_many({"Key": "a"}, {"Key": "b"}, {"Key": "c"})
        assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("b", "InternalError")]
        assert place.history("b") == (["marker"] if after else [])
        assert place.history("c") == ["marker"]

    def test_answers_can_be_late(self, place: Place) -> None:
        place.simulator.rules({"operation": "HeadBucket", "code": "", "seconds": 0.2})
        times = []
        for _ in range(2):
            began = time.perf_counter()
            place.ask("head_bucket")
            times.append(time.perf_counter() - began)
        assert times[0] >= 0.2 > times[1]

    def test_a_rule_that_is_none_is_refused(self, simulator: Simulator) -> None:
        with pytest.raises(ValueError, match="skipp"):
            simulator.rules({"skipp": 1})


def test_latency_holds_for_all_requests(place: Place) -> None:
    place.simulator.settings(latency=0.1)
    try:
        began = time.perf_counter()
        place.ask("head_bucket")
        assert time.perf_counter() - began >= 0.1
    finally:
        place.simulator.settings(latency=0)
    with pytest.raises(ValueError, match="latency"):
        place.simulator.settings(latency=-1)
    with pytest.raises(ValueError, match="latenzy"):
        place.simulator.settings(latenzy=1)


def test_seeds_are_objects_like_others(place: Place) -> None:
    seeded = place.simulator.seed(place.name, prefix="deer/", count=2500, size=300, first=7, age=86_400)
    assert (seeded["first"], seeded["last"]) == ("deer/00000007.jpg", "deer/00002506.jpg")
    place.simulator.seed(place.name, key="deer/00000008.jpg", size=3)
    keys = place.simulator.dump(place.name)["keys"]
    assert (len(keys), len(keys["deer/00000008.jpg"])) == (2500, 2)
    body = place.read(seeded["first"])
    found = place.ask("head_object", Key=seeded["first"], ChecksumMode="ENABLED")
    assert found["ETag"].strip('"') == hashlib.md5(body, usedforsecurity=False).hexdigest()
    assert (len(body), found["ChecksumCRC32"]) == (300, written("CRC32", body))
    assert len({versions[0]["etag"] for versions in keys.values()}) == 2500
    place.copy(seeded["first"], "copy")
    assert (place.read("copy"), place.newest("copy")["etag"]) == (body, found["ETag"].strip('"'))
    age = place.newest("copy")["modified"] - place.newest(seeded["first"])["modified"]
    assert 86_400 <= age < 86_500
    with pytest.raises(ValueError, match="nowhere"):
        place.simulator.seed("nowhere")


def test_a_dump_holds_everything_but_the_bytes(place: Place) -> None:
    place.put("a/1", Metadata={"x": "1"}, Tagging="t=1", ContentType="image/png")
    place.ask("delete_object", Key="a/1")
    place.put("b/1", b"bytes")
    dump = place.simulator.dump(place.name, "a/")
    marker, version = dump["keys"]["a/1"]
    assert (dump["versioning"], list(dump["keys"]), marker["marker"]) == ("Enabled", ["a/1"], True)
    assert (version["metadata"], version["tags"], version["headers"]["content-type"]) == (
        {"x": "1"},
        {"t": "1"},
        "image/png",
    )
    assert place.simulator.body(place.name, "b/1") == b"bytes"
    assert place.simulator.body(place.name, "a/1", version["version_id"]) == b"deer"
    with pytest.raises(ValueError, match="never"):
        place.simulator.body(place.name, "never")


def test_sts_names_the_owner(simulator: Simulator) -> None:
    sts = boto3.session.Session().client("sts", endpoint_url=simulator.url)
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_an_unknown_path_names_the_known_ones(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="POST /_sim/seed"):
        simulator._ask("GET", "nothing")


def raw(place: Place, data: bytes, *, ends: bool = False) -> bytes:
    """Send bytes; return what comes, the whole of it where the server closes the connection."""
    url = urlsplit(place.simulator.url)
    with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
        connection.sendall(data)
        received = connection.recv(1 << 16)
        while ends and (more := connection.recv(1 << 16)):
            received += more
    return received


class TestWire:
    @pytest.mark.parametrize("chunked", [False, True])
    def test_chunks_with_a_trailer_as_botocore_sends_them(self, place: Place, chunked: bool) -> None:  # noqa: FBT001
        trailer = f"x-amz-checksum-crc32:{written('CRC32', b'deer and elk')}\r\n"
        body = f"4\r\ndeer\r\n8;chunk-signature=x\r\n and elk\r\n0\r\n{trailer}\r\n".encode()
        sized = f"Content-Length: {len(body)}"
        if chunked:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
            sized = "Transfer-Encoding: chunked"
        head = (
            f"PUT /{place.name}/key HTTP/1.1\r\nHost: x\r\n{sized}\r\nContent-Encoding: gzip, aws-chunked\r\n"
            "X-Amz-Decoded-Content-Length: 12\r\nX-Amz-Trailer: x-amz-checksum-crc32\r\n\r\n"
        )
        assert b" 200 OK" in raw(place, head.encode() + body)
        assert place.simulator.body(place.name, "key") == b"deer and elk"
        assert place.newest("key")["checksum"] == "CRC32"
        assert place.newest("key")["headers"]["content-encoding"] == "gzip"
        wrong = head.replace("12", "13").encode() + body
        assert b"IncompleteBody" in raw(place, wrong)
        assert b"BadDigest" in raw(place, head.encode() + body.replace(b"deer", b"dear"))
        assert len(place.history("key")) == 1

    def test_chunks_may_come_in_any_pieces(self, place: Place) -> None:
        body = b"4\r\ndeer\r\n0\r\nx-trailer: x\r\n\r\n"
        head = f"PUT /{place.name}/key HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        reader = Reader()
        reader.feed(head)
        for at in range(len(body)):
            assert reader.next() is None
            reader.feed(body[at : at + 1])
        request = reader.next()
        assert request
        assert (request.body, request.key, reader.next()) == (b"deer", "key", None)

    def test_a_client_that_waits_for_leave_gets_it_and_requests_may_come_in_any_pieces(self, place: Place) -> None:
        url = urlsplit(place.simulator.url)
        head = f"PUT /{place.name}/key HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n".encode()
        with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
            for piece in (head[:20], head[20:]):
                connection.sendall(piece)
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(b"de")
            connection.sendall(b"er" + f"HEAD /{place.name}/key HTTP/1.1\r\n\r\n".encode())
            received = b""
            while received.count(b"\r\n\r\n") < 2:
                received += connection.recv(1 << 16)
        assert received.count(b"HTTP/1.1 200 OK") == 2
        assert place.read("key") == b"deer"

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"nonsense\r\n\r\n", b"400"),
            (b"PUT /b/k HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
            (b"PUT /b/k HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
            (b"x" * 70_000, b"400"),
            (b"GET /b/%ff HTTP/1.1\r\n\r\n", b"InvalidURI"),
        ],
    )
    def test_what_is_no_request_ends_the_connection(self, place: Place, data: bytes, said: bytes) -> None:
        assert said in raw(place, data, ends=True)

    def test_big_bodies_come_and_go(self, place: Place) -> None:
        body = bytes(range(256)) * 20_000
        place.put("key", body)
        assert place.read("key") == body

    def test_a_virtual_host_or_another_method_is_not_understood(self, place: Place) -> None:
        assert b" 501 " in raw(place, f"PATCH /{place.name}/key HTTP/1.1\r\n\r\n".encode())
        assert b" 501 " in raw(place, b"GET /?acl HTTP/1.1\r\n\r\n")
        assert b" 501 " in raw(place, f"GET /{place.name}/key?acl&tagging HTTP/1.1\r\n\r\n".encode())


def test_it_ends_with_who_started_it() -> None:
    command = [sys.executable, "-m", "tests.simulators.s3", "--end-with-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_setting_that_is_none_ends_it_at_once() -> None:
    command = [sys.executable, "-m", "tests.simulators.s3", "--latency=-1"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, check=False)  # noqa: S603 - this Python
    assert (done.returncode, b"latency" in done.stderr) == (1, True)


def test_all_it_says_is_json_that_others_can_read(place: Place) -> None:
    place.put("größe\x01")
    dump: dict[str, Any] = place.simulator.dump(place.name)
    assert json.loads(json.dumps(dump)) == dump
    assert base64.b64encode(place.simulator.body(place.name, "größe\x01")) == b"ZGVlcg=="
    with pytest.raises(ClientError, match="NoSuchKey"):
        place.ask("get_object", Key="größe")
