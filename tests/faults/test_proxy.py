"""The proxy: what the server gets of a disturbed request, what the client sees of it, and what is not let through."""

from __future__ import annotations

import base64
import hashlib
import os
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.faults.disturbances import KINDS, Disturbance
from tests.faults.guard import OWNER, Scope
from tests.faults.proxy import Proxy, in_front_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DELETE = b"<Delete><Object><Key>a</Key></Object><Object><Key>b&amp;c</Key></Object></Delete>"


class Server(ThreadingHTTPServer):
    """Says yes to everything, and remembers it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Yes)
        self.got: list[tuple[str, str, bytes, str]] = []


class _Yes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.got.append((self.command, self.path, body, self.headers["Host"]))
        answer = b"yes, and at length"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = _one  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(f"http://127.0.0.1:{server.server_port}") as made:
        yield made


def ask(proxy: Proxy, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
    try:
        connection.request(method, path, body or None, {name.replace("_", "-"): text for name, text in headers.items()})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


@contextmanager
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Some process that can be killed."""
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        yield process
        process.kill()


def test_a_request_is_passed_on_as_it_came_its_host_included(proxy: Proxy, server: Server) -> None:
    assert ask(proxy, "PUT", "/b/a/../x%2By?tagging&x=1", b"body") == (200, b"yes, and at length")
    assert server.got == [("PUT", "/b/a/../x%2By?tagging&x=1", b"body", urlsplit(proxy.url).netloc)]


def test_the_call_of_the_number_is_disturbed_and_no_other(proxy: Proxy, server: Server) -> None:
    proxy.begin("apply", Disturbance("503", 2, operation="DeleteObject"))
    paths = ["/b/1", "/b/2", "/b/3"]
    assert [ask(proxy, "DELETE", path)[0] for path in paths] == [200, 503, 200]
    assert ask(proxy, "GET", "/b/2")[0] == 200
    assert [path for method, path, *_ in server.got if method == "DELETE"] == ["/b/1", "/b/3"]
    assert [call.number for call in proxy.met] == [2]


def test_only_changes_are_counted_where_only_changes_are_meant_and_all_after_it_where_all_are(proxy: Proxy) -> None:
    proxy.begin("apply", Disturbance("expired", 2, times=0, operation="changes"))
    answers = [ask(proxy, method, "/b/k")[0] for method in ("GET", "PUT", "GET", "PUT", "DELETE", "GET")]
    assert answers == [200, 200, 200, 400, 400, 200]


@pytest.mark.parametrize(("kind", "acts"), [("500", 0), ("500-after", 1), ("503-after", 1), ("409", 0), ("403", 0)])
def test_an_error_is_answered_whether_or_not_the_server_acted(
    proxy: Proxy, server: Server, kind: str, acts: int
) -> None:
    proxy.begin("apply", Disturbance(kind, 1))
    status, body = ask(proxy, "DELETE", "/b/k")
    assert (status, len(server.got)) == (KINDS[kind].status, acts)
    assert KINDS[kind].code.encode() in body


@pytest.mark.parametrize(("kind", "acts"), [("lost", 1), ("cut", 1), ("reset", 0)])
def test_an_answer_is_lost_whether_or_not_the_server_acted(proxy: Proxy, server: Server, kind: str, acts: int) -> None:
    proxy.begin("apply", Disturbance(kind, 1))
    with pytest.raises((HTTPException, OSError)):
        ask(proxy, "DELETE", "/b/k")
    assert len(server.got) == acts


def test_who_hangs_gets_no_answer_until_he_gives_up(proxy: Proxy, server: Server) -> None:
    proxy.begin("apply", Disturbance("hang-after", 1))
    connection = HTTPConnection(urlsplit(proxy.url).netloc, timeout=0.2)
    connection.request("DELETE", "/b/k")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    proxy.end()
    assert len(server.got) == 1


def test_what_is_late_reaches_the_server_when_it_is_delivered(proxy: Proxy, server: Server) -> None:
    proxy.begin("apply", Disturbance("late", 1))
    with pytest.raises((HTTPException, OSError)):
        ask(proxy, "DELETE", "/b/k")
    proxy.end()
    assert not server.got
    assert proxy.deliver() == 1
    assert [path for _, path, *_ in server.got] == ["/b/k"]
    assert not proxy.deliver()


def test_what_is_late_may_come_in_the_middle_of_the_next_command(proxy: Proxy, server: Server) -> None:
    proxy.begin("apply", Disturbance("late", 1, amid=True))
    with pytest.raises((HTTPException, OSError)):
        ask(proxy, "DELETE", "/b/late")
    proxy.end()
    proxy.begin("apply")
    for number in range(1, 10):
        ask(proxy, "GET", f"/b/{number}")
    assert [path for _, path, *_ in server.got].index("/b/late") == 7


@pytest.mark.parametrize(("kind", "acts"), [("kill-before", 0), ("kill-after", 1)])
def test_a_client_is_killed_before_or_after_the_server_acted(
    proxy: Proxy, server: Server, kind: str, acts: int
) -> None:
    with sleeper() as client:
        proxy.begin("apply", Disturbance(kind, 1))
        proxy.victim(client.pid)
        with pytest.raises((HTTPException, OSError)):
            ask(proxy, "DELETE", "/b/k")
        assert client.wait(5) == -signal.SIGKILL
    assert len(server.got) == acts


@pytest.mark.parametrize(("kind", "acts"), [("stop", 1), ("stop-before", 0)])
def test_a_client_is_stopped_and_finds_its_answer_later(proxy: Proxy, server: Server, kind: str, acts: int) -> None:
    with sleeper() as client:
        proxy.begin("apply", Disturbance(kind, 1))
        proxy.victim(client.pid)
        connection = HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
        connection.request("DELETE", "/b/k")
        assert proxy.stopped.wait(5)
        assert os.waitid(os.P_PID, client.pid, os.WSTOPPED) is not None
        assert len(server.got) == acts
        assert not select.select([connection.sock], [], [], 0)[0]
        assert proxy.deliver() == 1
        assert connection.getresponse().read() == b"yes, and at length"
        connection.close()
    assert len(server.got) == 1


def test_somebody_else_comes_before_the_call(proxy: Proxy, server: Server) -> None:
    seen: list[tuple[str, int]] = []
    proxy.visitor = lambda what: seen.append((what, len(server.got)))
    proxy.begin("apply", Disturbance("visit", 2, visit="replace"))
    assert [ask(proxy, "PUT", "/b/k")[0] for _ in range(3)] == [200, 200, 200]
    assert seen == [("replace", 1)]


def test_an_error_inside_of_a_200_names_every_key(proxy: Proxy, server: Server) -> None:
    proxy.begin("apply", Disturbance("inner-after", 1))
    status, body = ask(proxy, "POST", "/b?delete", DELETE, Content_MD5=md5(DELETE))
    assert status == 200
    assert body.count(b"<Error>") == 2
    assert b"<Key>b&amp;c</Key><Code>InternalError</Code>" in body
    assert len(server.got) == 1


def md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


@pytest.mark.parametrize("headers", [{}, {"Content_MD5": md5(b"other")}, {"x_amz_checksum_crc32": "AAAAAA=="}])
def test_a_bulk_delete_without_its_digest_or_with_a_wrong_one_does_not_get_through(
    proxy: Proxy, server: Server, headers: dict[str, str]
) -> None:
    assert ask(proxy, "POST", "/b?delete", DELETE, **headers)[0] == 400
    assert not server.got


def test_a_wrong_owner_does_not_get_through(proxy: Proxy, server: Server) -> None:
    assert ask(proxy, "GET", "/b/k", x_amz_expected_bucket_owner="210987654321")[0] == 403
    assert ask(proxy, "PUT", "/b/k", x_amz_source_expected_bucket_owner="210987654321")[0] == 403
    assert not server.got
    assert ask(proxy, "GET", "/b/k", x_amz_expected_bucket_owner=OWNER)[0] == 200


def test_what_breaks_a_promise_is_written_down(proxy: Proxy) -> None:
    proxy.begin("apply", scope=Scope("b", frozenset({"deer/1"}), "copies", must_say_owner=True))
    with_version = b"<Delete><Object><Key>deer/1</Key><VersionId>x</VersionId></Object></Delete>"
    ask(proxy, "DELETE", "/b/deer/1", x_amz_expected_bucket_owner=OWNER)
    ask(proxy, "PUT", "/b/.labelplan/runs/1/run.json", x_amz_expected_bucket_owner=OWNER)
    ask(proxy, "PUT", "/copies/any", x_amz_expected_bucket_owner=OWNER)
    ask(proxy, "DELETE", "/elsewhere/any?versionId=1")
    assert len(proxy.guard.broken) == 3
    proxy.guard.broken.clear()
    for method, path, body in [
        ("DELETE", "/b/deer/1?versionId=x", b""),
        ("GET", "/b/deer/1?versionId=x", b""),
        ("POST", "/b?delete", with_version),
        ("DELETE", "/b/deer/2", b""),
        ("PUT", "/b?versioning", b""),
    ]:
        ask(proxy, method, path, body, Content_MD5=md5(body), x_amz_expected_bucket_owner=OWNER)
        assert len(proxy.guard.broken) == 1, (method, path)
        proxy.guard.broken.clear()
