"""The lock as those see it who want it: who gets it, who waits, who is told to stop."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec
import pytest

from labelplan.errors import Locked, NoWayBack
from labelplan.flow import lock as locking
from labelplan.flow.lock import no_lock, require_conditional_puts
from labelplan.model.run import Capabilities
from labelplan.store.s3 import open_writer
from tests.flow.locking import NOON, WORK, Clocks, child, hold, put, there
from tests.simulators.s3.running import running
from tests.wire import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelplan.store.interface import Writer
    from tests.wire import Wire


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


# --- who gets it ----------------------------------------------------------------------------------------------------


def test_the_lock_says_who_holds_it_for_what_and_until_when_by_s3s_clock(writer: Writer, clocks: Clocks) -> None:
    with hold(writer, clocks):
        lock = there(writer)
    assert (lock.host, lock.pid, lock.command) == (socket.gethostname(), os.getpid(), "apply deer.plan.json")
    assert (lock.work, lock.generation, lock.released) == (WORK, 1, False)
    assert (lock.started, lock.expires) == (NOON, NOON + dt.timedelta(seconds=120))
    assert lock.owner
    assert len(lock.id) == 16


def test_a_lock_that_was_released_is_free(writer: Writer, clocks: Clocks) -> None:
    with hold(writer, clocks):
        first = there(writer)
    assert there(writer).released
    with hold(writer, clocks):
        assert (there(writer).generation, there(writer).released) == (2, False)
        assert there(writer).id != first.id


def test_who_comes_second_is_told_who_was_first_and_what_to_do(writer: Writer, bucket: str, clocks: Clocks) -> None:
    first = put(writer)
    with pytest.raises(Locked) as refused, hold(writer, clocks):
        pass
    assert refused.value.exit_code == 8
    assert refused.value.what == (
        f"s3://{bucket} is locked by anna@elsewhere, pid 42, since 2031-11-22 12:00:00 UTC, for: undo wild/1. "
        "The lease ends at 12:02:00 UTC unless it is renewed. Lock id: other"
    )
    assert refused.value.advice.endswith(f": labelplan unlock {bucket} other")
    assert there(writer) == first


def test_a_command_to_copy_does_what_it_says_even_if_somebody_forged_the_id(writer: Writer, clocks: Clocks) -> None:
    put(writer, id="x; rm -rf ~")
    with pytest.raises(Locked) as refused, hold(writer, clocks):
        pass
    assert refused.value.advice.endswith(" 'x; rm -rf ~'")


@pytest.mark.parametrize(("passed", "taken"), [(119, False), (120, True)])
def test_a_lease_ends_by_s3s_clock(writer: Writer, clocks: Clocks, passed: int, *, taken: bool) -> None:
    put(writer)
    clocks.s3 += dt.timedelta(seconds=passed)
    if not taken:
        with pytest.raises(Locked), hold(writer, clocks):
            pass
        return
    with hold(writer, clocks):
        assert (there(writer).generation, there(writer).started) == (8, clocks.s3)


def test_another_hold_of_the_same_process_is_somebody_else(writer: Writer, clocks: Clocks) -> None:
    with hold(writer, clocks) as lease:
        with pytest.raises(Locked), hold(writer, clocks):
            pass
        lease.require()


@pytest.mark.parametrize("expired", [False, True])
def test_of_many_who_come_at_once_one_gets_it(bucket: str, clocks: Clocks, *, expired: bool) -> None:
    if expired:
        put(open_writer(bucket), expires=NOON)
    barrier = threading.Barrier(8)

    def come(number: int) -> bool:
        writer = open_writer(bucket)
        with ExitStack() as stack:
            barrier.wait(60)
            try:
                stack.enter_context(hold(writer, clocks, f"work {number}"))
            except Locked:
                return False
            finally:
                barrier.wait(60)  # who has it keeps it until all have tried
            return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(come, range(8))).count(True) == 1


def test_of_several_processes_one_gets_it(bucket: str) -> None:
    with child(bucket) as one, child(bucket) as two:
        one.go_on()
        two.go_on()
        assert {one.says(), two.says()} == {"held", "locked"}


# --- the dead -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reap", [True, False], ids=["gone", "zombie"])
def test_the_same_work_on_the_same_machine_takes_over_at_once_from_the_dead(
    writer: Writer, bucket: str, clocks: Clocks, *, reap: bool
) -> None:
    clocks.s3 = dt.datetime.now(dt.UTC)  # as the other process sees it
    with child(bucket) as other:
        other.go_on()
        assert other.says() == "held"
        with pytest.raises(Locked), hold(writer, clocks):
            pass
        other.kill(reap=reap)
        with pytest.raises(Locked), hold(writer, clocks, "other work"):
            pass
        with hold(writer, clocks):
            assert (there(writer).generation, there(writer).pid) == (2, os.getpid())


def test_nobody_is_thought_dead_on_another_machine(writer: Writer, clocks: Clocks) -> None:
    with child("no-bucket") as other:
        other.kill()
    put(writer, pid=other.process.pid)
    with pytest.raises(Locked), hold(writer, clocks):
        pass


def test_what_has_our_process_id_and_is_not_ours_was_left_by_the_dead(writer: Writer, clocks: Clocks) -> None:
    put(writer, host=socket.gethostname(), pid=os.getpid())
    with hold(writer, clocks):
        assert there(writer).generation == 8


# --- waiting --------------------------------------------------------------------------------------------------------


def test_who_waits_hears_once_for_whom_and_gets_the_lock_when_it_is_free(writer: Writer, clocks: Clocks) -> None:
    held = put(writer)
    heard: list[str] = []

    def sleep(seconds: float) -> None:
        clocks.sleep(seconds)
        if len(clocks.slept) == 3:
            put(writer, held, released=True)

    with hold(writer, clocks, timeout=60, waiting=heard.append, sleep=sleep):
        assert there(writer).generation == 8
    assert clocks.slept == [2, 2, 2]
    assert [text.partition(",")[0] for text in heard] == ["anna@elsewhere"]


def test_who_has_waited_long_enough_is_refused(writer: Writer, clocks: Clocks) -> None:
    put(writer)
    with pytest.raises(Locked), hold(writer, clocks, timeout=5):
        pass
    assert clocks.slept == [2, 2, 1]


def test_a_wait_ends_when_the_lease_does(writer: Writer, clocks: Clocks) -> None:
    put(writer)
    with hold(writer, clocks, timeout=600):
        assert sum(clocks.slept) == 120


def test_ctrl_c_ends_a_wait(writer: Writer, clocks: Clocks) -> None:
    stop, held = threading.Event(), put(writer)
    stop.set()
    with pytest.raises(KeyboardInterrupt), hold(writer, clocks, timeout=60, sleep=stop.wait):
        pass
    assert there(writer) == held


# --- without a lock -------------------------------------------------------------------------------------------------


def test_without_a_lock_everything_may_go_on_and_nothing_is_sent(wire: Wire) -> None:
    with no_lock() as lease:
        lease.require()
    assert wire.sent == []


@pytest.mark.parametrize(("absent", "match"), [(True, False), (False, True), (False, False)])
def test_a_server_without_conditional_puts_has_no_lock(*, absent: bool, match: bool) -> None:
    good = Capabilities(*[True] * 7)
    require_conditional_puts(good)
    found = msgspec.structs.replace(good, put_absent=absent, put_match=match)
    with pytest.raises(NoWayBack, match="ignores conditions on PutObject") as refused:
        require_conditional_puts(found)
    assert refused.value.advice.endswith("add --no-lock.")


def test_seconds_go_on_while_the_machine_sleeps_where_the_system_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC, raising=False)
    monkeypatch.setattr(time, "clock_gettime", {time.CLOCK_MONOTONIC: 5.0}.__getitem__)
    assert locking.steady() == 5
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    assert locking.steady() <= time.monotonic()
