"""Each request of taking, renewing and releasing the lock goes wrong once, in each way; or somebody else comes then.

All are tried, in buckets of their own. Whatever happens, never do two hold the lock, and never is it held for longer
than its lease.
"""

from __future__ import annotations

import datetime as dt
import uuid
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError

from labelplan.errors import AwsRefused, LabelplanError, Locked
from labelplan.flow.lock_record import HELD_HERE, LOCK, TRIES, find, release
from labelplan.store.s3 import open_writer
from tests.flow.locking import Clocks, hold, put, renew, there
from tests.simulators.s3.running import running
from tests.wire import Killed, answer, answers, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.awsrequest import AWSResponse
    from mypy_boto3_s3 import S3Client

    from labelplan.flow.lock import Lease
    from labelplan.store.interface import Writer
    from tests.wire import Sent, Wire

CALLS = 8
"""Of a life of the lock: look, make, look, take; look, renew; look, release."""


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A server whose look and act are one step, as S3's; moto's are two."""
    with running() as simulator:
        yield simulator.url


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture(autouse=True)
def wire(clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Reading is tried again by botocore, here without a pause."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    with recorded(clocks.disturb) as wire:
        yield wire
    assert [one for one in wire.deletes() if "labelplan" in one.headers["user-agent"]] == []


@pytest.fixture
def fresh(s3: S3Client) -> Callable[[], Writer]:
    """Makes the bucket as if it had never been locked."""
    bucket = f"locked-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    writer = open_writer(bucket, account="")

    def forget() -> Writer:
        s3.delete_object(Bucket=bucket, Key=LOCK)
        return writer

    return forget


def is_put(one: Sent) -> bool:
    return one.method == "PUT"


def lost() -> AWSResponse:
    raise ConnectionClosedError(endpoint_url="http://127.0.0.1")


REPLIES: dict[str, Callable[[], AWSResponse]] = {
    "lost": lost,
    "503": lambda: answer(503, "SlowDown"),
    "412": lambda: answer(412, "PreconditionFailed"),
    "nonsense": lambda: answer(200, body=b"<html>"),
}


def at(number: int, reply: Callable[[], AWSResponse], *, acted: bool) -> Any:
    """Give another *reply* to the request of this *number*, from 0, whether or not the server *acted* on it."""
    count = iter(range(1000))

    def disturb(_: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        mine = next(count) == number
        if not mine:
            return carry_out()
        if acted:
            assert carry_out().content is not None  # read to its end, so that the connection is free
        return reply()

    return disturb


@contextmanager
def calm(clocks: Clocks) -> Iterator[None]:
    """Look at the bucket beside what goes wrong."""
    fault, clocks.fault = clocks.fault, None
    yield
    clocks.fault = fault


def live(writer: Writer, clocks: Clocks) -> None:
    """Take, renew and release the lock."""
    with hold(writer, clocks) as lease:
        with calm(clocks):
            assert there(writer).id in HELD_HERE, "who is let in has the lock"
        clocks.pass_by(30)
        if renew(lease):
            with calm(clocks):
                assert there(writer).expires == clocks.s3 + dt.timedelta(seconds=120)
        lease.require()


def free_in_the_end(writer: Writer, clocks: Clocks) -> None:
    """The same work on this machine can go on at once, anybody else when the lease is over."""
    assert set() == HELD_HERE
    found = find(writer)
    if found and found.is_held:
        with pytest.raises(Locked), hold(writer, clocks, "other work"):
            pass
        with hold(writer, clocks):
            assert there(writer).generation == found.lock.generation + 1
        put(writer, found.lock)
        clocks.pass_by(120)
    with hold(writer, clocks, "other work"):
        pass


def test_a_quiet_life_takes_this_many_requests(fresh: Callable[[], Writer], clocks: Clocks, wire: Wire) -> None:
    writer = fresh()
    wire.sent.clear()
    clocks.fault = lambda _, carry_out: carry_out()
    with hold(writer, clocks) as lease:
        clocks.pass_by(30)
        assert renew(lease)
    assert [one.method for one in wire.sent] == ["GET", "PUT", "GET", "PUT", "GET", "PUT", "GET", "PUT"]
    assert len(wire.sent) == CALLS


@pytest.mark.parametrize("acted", [True, False], ids=["acted", "not"])
@pytest.mark.parametrize("reply", REPLIES)
def test_no_reply_to_any_request_lets_two_in_or_keeps_everybody_out(
    fresh: Callable[[], Writer], clocks: Clocks, reply: str, *, acted: bool
) -> None:
    for number in range(CALLS):
        writer = fresh()
        clocks.fault = at(number, REPLIES[reply], acted=acted)
        with suppress(LabelplanError):
            live(writer, clocks)
        clocks.fault = None
        free_in_the_end(writer, clocks)


@pytest.mark.parametrize("reply", REPLIES)
def test_whoever_took_the_lock_has_it_whatever_the_reply_was(
    fresh: Callable[[], Writer], clocks: Clocks, reply: str
) -> None:
    for number in (1, 3, 5, 7):  # the requests that write
        writer = fresh()
        clocks.fault = at(number, REPLIES[reply], acted=True)
        live(writer, clocks)
        clocks.fault = None
        assert (there(writer).generation, there(writer).released) == (1, True)


@pytest.mark.parametrize("acted", [True, False], ids=["after", "before"])
def test_killed_at_any_request_the_same_work_goes_on_at_once(
    fresh: Callable[[], Writer], clocks: Clocks, *, acted: bool
) -> None:
    for number in range(CALLS):
        writer = fresh()
        dead: list[bool] = []

        def fall(_: Sent, carry_out: Callable[[], AWSResponse], number: int = number, dead: Any = dead) -> Any:
            dead.append(True)
            if len(dead) <= number:
                return carry_out()
            if len(dead) == number + 1 and acted:
                assert carry_out().content is not None
            raise Killed  # and nothing is sent any more

        clocks.fault = fall
        with pytest.raises(Killed):
            live(writer, clocks)
        clocks.fault = None
        free_in_the_end(writer, clocks)


# --- somebody else comes --------------------------------------------------------------------------------------------


def comes(number: int, come: Callable[[], object], *, acted: bool) -> Any:
    """Let somebody *come* just before or after the server acts on the request of this number."""
    count = iter(range(1000))
    inside: list[bool] = []

    def disturb(_: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        mine = not inside and next(count) == number
        reply = carry_out() if acted or not mine else None
        if mine:
            inside.append(True)  # his own requests are not disturbed
            come()
            inside.clear()
        return reply or carry_out()

    return disturb


@pytest.mark.parametrize("acted", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("expired", [True, False])
def test_of_two_who_come_at_the_same_moment_one_gets_it(
    fresh: Callable[[], Writer], clocks: Clocks, *, expired: bool, acted: bool
) -> None:
    for number in range(2 if expired else 4):
        writer = fresh()
        entered: list[tuple[str, Lease]] = []
        if expired:
            put(writer, expires=clocks.s3)
        with ExitStack() as stack:

            def come(
                name: str, stack: ExitStack = stack, writer: Writer = writer, entered: list[tuple[str, Lease]] = entered
            ) -> None:
                with suppress(Locked):
                    lease = stack.enter_context(hold(writer, clocks, name))
                    entered.append((name, lease))

            clocks.fault = comes(number, partial(come, "second"), acted=acted)
            come("first")
            clocks.fault = None
            ((name, lease),) = entered
            lease.require()
            assert there(writer).work == name


@pytest.mark.parametrize("acted", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("passed", [30, 125])
def test_a_lease_is_renewed_or_taken_over_never_both(
    fresh: Callable[[], Writer], clocks: Clocks, passed: float, *, acted: bool
) -> None:
    for number in range(2):
        writer = fresh()
        others: list[Lease] = []
        with ExitStack() as stack:
            mine = stack.enter_context(hold(writer, clocks))
            clocks.pass_by(passed)

            def come(stack: ExitStack = stack, writer: Writer = writer, others: list[Lease] = others) -> None:
                with suppress(Locked):
                    others.append(stack.enter_context(hold(writer, clocks, "other work")))

            clocks.fault = comes(number, come, acted=acted)
            renewed = renew(mine)
            clocks.fault = None
            assert len(others) + renewed == 1
            assert renew(mine) == renewed
            if not renewed:
                with pytest.raises(Locked):
                    mine.require()


# --- a server that never gives in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("there_was_one", [True, False])
def test_a_server_that_refuses_every_write_is_not_asked_for_ever(
    fresh: Callable[[], Writer], clocks: Clocks, wire: Wire, *, there_was_one: bool
) -> None:
    writer = fresh()
    if there_was_one:
        put(writer, released=True)
    wire.sent.clear()
    refusal = answer(412, "PreconditionFailed") if there_was_one else answer(200, ETag='"never written"')
    clocks.fault = answers(is_put, lambda: refusal)
    with (
        pytest.raises(AwsRefused, match=r"The lock s3://locked-.*/\.labelplan/lock cannot be taken"),
        hold(writer, clocks),
    ):
        pass
    assert len([one for one in wire.sent if is_put(one)]) == TRIES


def test_a_release_is_not_tried_for_ever(fresh: Callable[[], Writer], clocks: Clocks, wire: Wire) -> None:
    writer = fresh()
    lock = put(writer)
    wire.sent.clear()
    clocks.fault = answers(is_put, lambda: answer(412, "PreconditionFailed"))
    with pytest.raises(Locked, match="The lock other could not be released"):
        release(writer, lock)
    assert len([one for one in wire.sent if is_put(one)]) == TRIES
