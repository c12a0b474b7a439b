"""What goes wrong, when it is told to."""

from __future__ import annotations

import json
import socket
import statistics
import threading
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.simulators.asking import DETECT, SOMEWHERE, ask, client
from tests.simulators.rekognition.faults import Chance
from tests.simulators.rekognition.settings import Settings

if TYPE_CHECKING:
    from tests.simulators.rekognition.running import Simulator


@pytest.mark.parametrize(
    ("fault", "status", "code", "words"),
    [
        ("error", 500, "InternalServerError", "Internal server error"),
        ("unavailable", 500, "ThrottlingException", "Service Unavailable"),
        ("throttle", 400, "ProvisionedThroughputExceededException", "Provisioned Rate exceeded."),
        ("download", 400, "ProvisionedThroughputExceededException", "S3 download limit exceeded."),
    ],
)
def test_the_next_call_fails_as_told_and_the_one_after_is_answered(
    anywhere: Simulator, fault: str, status: int, code: str, words: str
) -> None:
    before = anywhere.totals()
    anywhere.control(next=[fault])
    first, second = ask(anywhere, {"Image": SOMEWHERE}), ask(anywhere, {"Image": SOMEWHERE})
    assert (first.status, first.body["__type"], first.body["Message"]) == (status, code, words)
    assert second.status == 200
    after = anywhere.totals()
    assert after["billed"] - before["billed"] == 1
    assert after["errors" if status == 500 else "throttled"] - before["errors" if status == 500 else "throttled"] == 1


@pytest.mark.parametrize(("fault", "billed"), [("reset", 0), ("reset-billed", 1)])
def test_a_connection_is_reset_before_or_after_the_call_is_billed(anywhere: Simulator, fault: str, billed: int) -> None:
    before = anywhere.totals()
    anywhere.control(next=[fault])
    with pytest.raises(ConnectionClosedError):
        client(anywhere).detect_labels(Image=SOMEWHERE)
    after = anywhere.totals()
    assert (after["billed"] - before["billed"], after["lost"] - before["lost"]) == (billed, 1)
    assert after["in_flight"] == 0


def test_a_reset_is_one_on_the_wire_and_no_orderly_end(anywhere: Simulator) -> None:
    anywhere.control(next=["reset"])
    with _sent_and_left(anywhere) as connection, pytest.raises(ConnectionResetError):
        connection.recv(100)


def test_a_call_that_hangs_is_billed_and_under_way_until_the_client_gives_up(anywhere: Simulator) -> None:
    before = anywhere.totals()
    anywhere.control(next=["hang"])
    waiting = threading.Thread(target=_give_up, args=(anywhere,))
    waiting.start()
    while anywhere.totals()["in_flight"] == 0:
        assert waiting.is_alive()
    assert anywhere.totals()["billed"] - before["billed"] == 1
    waiting.join()
    _wait_until_idle(anywhere)
    assert anywhere.totals()["lost"] - before["lost"] == 1


def _wait_until_idle(simulator: Simulator) -> None:
    assert any(not simulator.totals()["in_flight"] for _ in range(5000))


def _give_up(simulator: Simulator) -> None:
    with pytest.raises(ReadTimeoutError):
        client(simulator, patience=0.3).detect_labels(Image=SOMEWHERE)


def test_a_hang_ends_in_a_reset_at_last(anywhere: Simulator) -> None:
    anywhere.control(next=["hang"], hang_seconds=0)
    with pytest.raises(ConnectionClosedError):
        client(anywhere).detect_labels(Image=SOMEWHERE)


def test_who_goes_away_while_an_answer_is_made_pays_for_it(anywhere: Simulator) -> None:
    anywhere.control(latency=0.2)
    before = anywhere.totals()
    _sent_and_left(anywhere).close()
    assert any(anywhere.totals()["billed"] > before["billed"] for _ in range(5000))


def _sent_and_left(simulator: Simulator) -> socket.socket:
    """Send a call and return the connection, its reply unread."""
    url = urlsplit(simulator.url)
    body = json.dumps({"Image": SOMEWHERE}).encode()
    request = AWSRequest("POST", simulator.url + "/", {"X-Amz-Target": DETECT, "Host": url.netloc}, data=body)
    SigV4Auth(Credentials("testing", "testing"), "rekognition", "us-east-1").add_auth(request)
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    connection = socket.create_connection((url.hostname or "", url.port or 0), timeout=10)
    connection.sendall(f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
    return connection


def test_a_slow_answer_is_late(anywhere: Simulator) -> None:
    anywhere.control(next=["slow"], slow_seconds=0.2)
    before = anywhere.totals()["now"]
    client(anywhere).detect_labels(Image=SOMEWHERE)
    assert anywhere.totals()["now"] - before >= 0.2


def test_chance_keeps_to_its_shares() -> None:
    settings = Settings(error_rate=0.1, reset_rate=0.04, download_rate=0.05, slow_rate=0.02, hang_rate=0.01)
    chance = Chance(7)
    drawn = Counter(chance.fault(settings) for _ in range(20_000))
    shares = {fault: count / 20_000 for fault, count in drawn.items()}
    assert shares == pytest.approx(
        {
            "none": 0.78, "error": 0.05, "unavailable": 0.05, "reset": 0.02, "reset-billed": 0.02,
            "download": 0.05, "slow": 0.02, "hang": 0.01,
        },
        abs=0.005,
    )  # fmt: skip


def test_latency_is_lognormal_around_its_median() -> None:
    chance, settings = Chance(7), Settings(latency=0.25, sigma=0.4)
    drawn = sorted(chance.latency(settings) for _ in range(20_000))
    assert statistics.median(drawn) == pytest.approx(0.25, rel=0.03)
    assert drawn[19_800] == pytest.approx(0.25 * 2.536, rel=0.1)  # e to the 2.326 times 0.4


def test_the_same_seed_gives_the_same_luck() -> None:
    settings = Settings(error_rate=0.5)
    runs = [[chance.fault(settings) for _ in range(50)] for chance in (Chance(1), Chance(1), Chance(2))]
    assert runs[0] == runs[1] != runs[2]


def test_with_an_error_rate_of_one_every_call_fails(anywhere: Simulator) -> None:
    anywhere.control(error_rate=1)
    with pytest.raises(ClientError, match=r"Internal server error|Service Unavailable"):
        client(anywhere).detect_labels(Image=SOMEWHERE)
