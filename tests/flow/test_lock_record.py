"""Who is dead, who one is, and locks that cannot be read."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from labelplan.errors import Locked
from labelplan.flow.lock_record import HELD_HERE, LOCK, find, is_dead, release, ticket
from labelplan.store.s3 import open_writer
from tests.flow.locking import put, there
from tests.simulators.s3.running import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from labelplan.model.run import Lock
    from labelplan.store.interface import Writer


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A server whose look and act are one step, as S3's; moto's are two."""
    with running() as simulator:
        yield simulator.url


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket)


def of(pid: int) -> Lock:
    """A lock of this machine's process *pid*."""
    return replace(ticket("apply", "work"), pid=pid)


def failing(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


# --- who is dead ----------------------------------------------------------------------------------------------------


def test_a_process_that_runs_is_not_dead() -> None:
    assert not is_dead(of(os.getppid()))


def test_a_process_that_may_not_be_looked_at_is_not_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", failing(PermissionError()))
    assert not is_dead(of(4711))


def test_a_process_that_is_not_there_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", failing(ProcessLookupError()))
    assert is_dead(of(4711))


@pytest.mark.parametrize("pid", [0, -1, -4711, 1 << 40, 1 << 80])
def test_what_is_no_process_id_is_not_dead_and_nobody_is_signalled(pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if pid <= 0:
        monkeypatch.setattr(os, "kill", failing(AssertionError("a whole group would get it")))
    assert not is_dead(of(pid))


@pytest.mark.parametrize(
    ("stat", "dead"), [("42 (a) b) Z 1 42", True), ("42 (Z Z) S 1 42", False), ("42 (sh) R 1", False), ("", False)]
)
def test_a_zombie_is_dead_however_it_is_called(monkeypatch: pytest.MonkeyPatch, stat: str, *, dead: bool) -> None:
    monkeypatch.setattr(os, "kill", lambda *_: None)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: stat)
    assert is_dead(of(42)) == dead


def test_where_the_system_tells_no_states_whoever_is_there_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", lambda *_: None)
    monkeypatch.setattr(Path, "read_text", failing(FileNotFoundError()))
    assert not is_dead(of(42))


def test_of_what_has_our_process_id_only_our_own_locks_are_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = of(os.getpid())
    assert is_dead(lock)
    monkeypatch.setattr("labelplan.flow.lock_record.HELD_HERE", HELD_HERE | {lock.id})
    assert not is_dead(lock)


# --- who one is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ImportError, KeyError, OSError])
def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    assert ticket("apply", "work").owner == getpass.getuser()
    monkeypatch.setattr(getpass, "getuser", failing(error()))
    assert ticket("apply", "work").owner == f"uid {os.getuid()}"


def test_no_two_locks_have_the_same_id() -> None:
    assert len({ticket("apply", "work").id for _ in range(100)}) == 100


# --- what cannot be read --------------------------------------------------------------------------------------------

GOOD = (
    b'{"format":"labelplan/lock/1","id":"a","generation":1,"owner":"o","host":"h","pid":1,"command":"c","work":"w",'
    b'"started":"2031-11-22T12:00:00Z","expires":"2031-11-22T12:02:00Z"}'
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        GOOD[:-1],
        GOOD.replace(b"lock/1", b"lock/2"),
        GOOD.replace(b"12:02:00Z", b"12:02:00"),
        GOOD.replace(b"12:00:00Z", b"12:00:00"),
        GOOD.replace(b"2031-11-22T12:02:00Z", b"9999-12-31T23:59:59-10:00"),
        GOOD.replace(b'"pid":1', b'"pid":"1"'),
    ],
)
def test_what_is_no_lock_keeps_everybody_out(s3: S3Client, bucket: str, writer: Writer, body: bytes) -> None:
    s3.put_object(Bucket=bucket, Key=LOCK, Body=GOOD)
    assert find(writer)
    s3.put_object(Bucket=bucket, Key=LOCK, Body=body)
    with pytest.raises(Locked, match=r"s3://wildlife-.*/\.labelplan/lock is not a lock that this version") as refused:
        find(writer)
    assert refused.value.advice.endswith(f": aws s3 rm s3://{bucket}/.labelplan/lock")


# --- releasing ------------------------------------------------------------------------------------------------------


def test_a_lock_is_released_once_and_only_if_it_is_still_the_one(writer: Writer) -> None:
    assert not release(writer, ticket("apply", "work"))
    lock = put(writer)
    assert not release(writer, replace(lock, id="another"))
    assert not release(writer, replace(lock, generation=lock.generation + 1))
    assert there(writer) == lock
    assert release(writer, lock)
    assert there(writer) == replace(lock, released=True)
    assert not release(writer, lock)
