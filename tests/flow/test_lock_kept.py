"""The lock while it is held: renewed, lost, released."""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING, Any

import pytest

from labelplan.errors import Locked
from labelplan.flow import lock as locking
from labelplan.flow.lock_record import LOCK
from labelplan.store.s3 import open_writer
from tests.flow.locking import NOON, Clocks, hold, put, renew, there
from tests.simulators.s3.running import running
from tests.wire import answer, answers, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

    from labelplan.flow.lock import Lease
    from labelplan.store.interface import Writer
    from tests.wire import Sent, Wire


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A server whose look and act are one step, as S3's; moto's are two."""
    with running() as simulator:
        yield simulator.url


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture(autouse=True)
def wire(clocks: Clocks) -> Iterator[Wire]:
    """In every test: S3 tells the time that the test says, and no lock is ever deleted."""
    with recorded(clocks.disturb) as wire:
        yield wire
    assert wire.deletes() == []


def is_put(one: Sent) -> bool:
    return one.method == "PUT"


def refuse_puts(clocks: Clocks) -> None:
    clocks.fault = answers(is_put, lambda: answer(503, "SlowDown", "Please reduce your request rate."))


# --- going on -------------------------------------------------------------------------------------------------------


def test_a_lease_that_is_not_renewed_is_good_until_well_before_its_end(writer: Writer, clocks: Clocks) -> None:
    with hold(writer, clocks) as lease:
        clocks.pass_by(98.9)
        lease.require()
        clocks.pass_by(0.2)
        with pytest.raises(Locked, match=r"was lost: it could not be renewed in time\.$") as refused:
            lease.require()
    assert "The same command goes on" in refused.value.advice


def test_a_renewed_lease_lasts_from_then_on(writer: Writer, clocks: Clocks) -> None:
    with hold(writer, clocks) as lease:
        for _ in range(10):
            clocks.pass_by(90)
            assert renew(lease)
            lease.require()
        assert there(writer).expires == NOON + dt.timedelta(seconds=1020)
        assert (there(writer).started, there(writer).generation) == (NOON, 1)


def test_the_lease_counts_from_before_the_request_not_from_its_answer(writer: Writer, clocks: Clocks) -> None:
    put(writer, released=True)
    clocks.delay = 30
    with hold(writer, clocks) as lease:  # a look and a write: a minute
        clocks.delay = 0
        good_for(lease, clocks, 39)
        clocks.delay = 30
        assert renew(lease)
        clocks.delay = 0
        good_for(lease, clocks, 39)


def good_for(lease: Lease, clocks: Clocks, seconds: float) -> None:
    clocks.pass_by(seconds - 0.1)
    lease.require()
    clocks.pass_by(0.2)
    with pytest.raises(Locked):
        lease.require()


def test_trouble_with_renewing_is_told_when_the_lease_ends_and_forgiven_if_nobody_came(
    writer: Writer, clocks: Clocks
) -> None:
    with hold(writer, clocks) as lease:
        refuse_puts(clocks)
        clocks.pass_by(30)
        assert not renew(lease)
        lease.require()
        clocks.pass_by(100)
        with pytest.raises(Locked, match=r"renewed in time\. Cannot write .*/lock: S3 is too busy"):
            lease.require()
        clocks.fault = None
        assert renew(lease)
        lease.require()


LOST: dict[str, Callable[[Writer, S3Client, str], object]] = {
    r"it was taken by anna@elsewhere, pid 42, .* Lock id: other": lambda writer, *_: put(writer),
    r"somebody unlocked the bucket\.": lambda writer, *_: put(writer, there(writer), released=True),
    r"it was taken by .*": lambda writer, *_: put(writer, there(writer), generation=2),
    r"somebody removed \.labelplan/lock\.": lambda _, s3, bucket: s3.delete_object(Bucket=bucket, Key=LOCK),
    r"s3://.*/lock is not a lock .*": lambda _, s3, bucket: s3.put_object(Bucket=bucket, Key=LOCK, Body=b"?"),
}


@pytest.mark.parametrize("why", LOST)
def test_who_lost_the_lock_is_told_how_and_does_not_touch_it(
    s3: S3Client, bucket: str, clocks: Clocks, wire: Wire, why: str
) -> None:
    writer = open_writer(bucket)
    with hold(writer, clocks) as lease:
        LOST[why](writer, s3, bucket)
        before = writer.read_record(LOCK)
        assert not renew(lease)
        with pytest.raises(Locked, match=f"^The lock [0-9a-f]{{16}} on the bucket was lost: {why}"):
            lease.require()
    assert writer.read_record(LOCK) == before
    wire.sent = [one for one in wire.sent if one.method != "DELETE"]  # the test's own


def test_the_lock_is_renewed_in_the_background_until_the_end(
    writer: Writer, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = threading.Semaphore(0)

    def count(one: Sent, carry_out: Callable[[], Any]) -> Any:
        reply = carry_out()
        if is_put(one):
            renewed.release()
        return reply

    monkeypatch.setattr(locking, "EVERY", 0.01)
    with hold(writer, clocks):
        clocks.fault = count
        assert all(renewed.acquire(timeout=60) for _ in range(3))
        (thread,) = [one for one in threading.enumerate() if one.name == "labelplan-lock"]
    thread.join(60)
    assert not thread.is_alive()
    assert there(writer).released


def test_after_trouble_it_is_renewed_sooner(writer: Writer, clocks: Clocks) -> None:
    class Pauses:
        """An event that notes how long it is waited for."""

        def __init__(self) -> None:
            self.seen: list[float] = []

        def wait(self, pause: float) -> bool:
            self.seen.append(pause)
            clocks.pass_by(1)
            clocks.fault = None if len(self.seen) > 2 else clocks.fault
            return len(self.seen) == 4

    pauses: Any = Pauses()
    with hold(writer, clocks) as lease:
        assert isinstance(lease, locking._Held)
        refuse_puts(clocks)
        lease.keep(pauses)
        assert pauses.seen == [30, 5, 5, 30]
        put(writer)
        pauses.seen.clear()
        lease.keep(pauses)
        assert pauses.seen == [30], "a lock that is lost is looked at no more"


# --- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit])
def test_the_lock_is_released_however_the_work_ends(writer: Writer, clocks: Clocks, error: type[BaseException]) -> None:
    with pytest.raises(error), hold(writer, clocks):
        raise error
    assert there(writer).released


def test_a_release_that_fails_is_no_error_and_the_same_process_may_come_back(writer: Writer, clocks: Clocks) -> None:
    with hold(writer, clocks):
        refuse_puts(clocks)
    assert not there(writer).released
    clocks.fault = None
    with pytest.raises(Locked), hold(writer, clocks, "other work"):
        pass
    with hold(writer, clocks):
        assert there(writer).generation == 2


def test_a_renewal_at_the_same_moment_does_not_keep_a_lock_from_being_released(writer: Writer, clocks: Clocks) -> None:
    with hold(writer, clocks) as lease:

        def renewed_meanwhile(one: Sent, carry_out: Callable[[], Any]) -> Any:
            if is_put(one):
                clocks.fault = None
                clocks.pass_by(1)
                assert renew(lease)
            return carry_out()

        clocks.fault = renewed_meanwhile
    assert there(writer).released
