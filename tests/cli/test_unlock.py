"""`labelplan unlock`: releases the lock that was named and no other."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from labelplan.cli.main import run
from labelplan.model.run import Lock
from labelplan.store.s3 import open_writer
from tests.flow.locking import put, there
from tests.wire import answer, answers, recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from labelplan.store.interface import Writer
    from tests.wire import Sent

    Typed = Callable[..., tuple[int, str, str]]

LONG_AGO, FAR = dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC), dt.datetime(2999, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
HELD = Lock("labelplan/lock/1", "5d1f", 7, "anna", "lab-3", 42, "apply deer.plan.json", "work", LONG_AGO, FAR)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(bucket: str, capsys: pytest.CaptureFixture[str]) -> Typed:
    """How to type the command about the bucket: (exit code, stdout, stderr)."""

    def type_it(*arguments: str) -> tuple[int, str, str]:
        code = run(["unlock", bucket, *arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return type_it


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket, account="")


def test_the_lock_that_was_named_is_released_after_a_yes(
    writer: Writer, bucket: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(writer, HELD)
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    code, out, err = typed("5d1f")
    assert (code, out) == (0, f"Released the lock 5d1f on s3://{bucket}.\n")
    assert f"s3://{bucket} is locked by anna@lab-3, pid 42, since 2020-01-02 03:04:05 UTC, for: apply deer.plan" in err
    assert "Only 'yes' will be accepted to approve." in err
    assert there(writer) == replace(HELD, released=True)


def test_nothing_is_released_without_a_yes(writer: Writer, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    put(writer, HELD)
    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    assert typed("5d1f")[0] == 1
    assert there(writer) == HELD


def test_another_id_is_refused_and_told(writer: Writer, bucket: str, typed: Typed) -> None:
    put(writer, HELD)
    code, out, err = typed("5d1e", "--auto-approve")
    assert (code, out) == (8, "")
    assert f"Nothing was released: the lock on s3://{bucket} is not 5d1e. It is held by anna@lab-3, pid 42" in err
    assert "Lock id: 5d1f" in err
    assert there(writer) == HELD


@pytest.mark.parametrize("last", [None, replace(HELD, released=True), replace(HELD, id="other", expires=LONG_AGO)])
def test_where_nobody_holds_a_lock_there_is_nothing_to_do(
    writer: Writer, bucket: str, typed: Typed, last: Lock | None
) -> None:
    if last:
        put(writer, last)
    with recorded() as wire:
        assert typed("5d1f") == (0, f"Nobody holds a lock on s3://{bucket}.\n", "")
    assert {one.method for one in wire.sent} == {"GET"}


def test_a_lease_that_has_run_out_can_be_released_so_that_it_is_not_renewed(writer: Writer, typed: Typed) -> None:
    put(writer, HELD, expires=LONG_AGO)
    assert typed("5d1f", "--auto-approve")[0] == 0
    assert there(writer).released


@pytest.mark.parametrize(
    ("meanwhile", "code"), [({"released": True}, 0), ({"id": "other", "generation": 8}, 8)], ids=["ended", "taken"]
)
def test_who_ended_or_took_it_while_one_was_asked_is_left_alone(
    writer: Writer, typed: Typed, monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, object], code: int
) -> None:
    put(writer, HELD)
    monkeypatch.setattr("labelplan.cli.unlock.ask", lambda **_: put(writer, HELD, **meanwhile))
    assert typed("5d1f")[0] == code
    assert there(writer) == replace(HELD, **meanwhile)


def test_the_json_holds_the_lock_that_was_released(writer: Writer, bucket: str, typed: Typed) -> None:
    put(writer, HELD)
    code, out, _ = typed("5d1f", "--auto-approve", "--json")
    told = json.loads(out)
    assert (code, told["bucket"], told["released"]["owner"]) == (0, bucket, "anna")
    assert json.loads(typed("5d1f", "--json")[1]) == {"bucket": bucket, "released": None}


def test_what_somebody_forged_does_not_reach_the_terminal(writer: Writer, typed: Typed) -> None:
    put(writer, HELD, owner="\x1b[2Janna")
    assert "\x1b" not in typed("5d1f", "--auto-approve")[2]


def test_a_release_that_does_not_get_there_is_an_error(writer: Writer, typed: Typed) -> None:
    def is_put(one: Sent) -> bool:
        return one.method == "PUT"

    put(writer, HELD)
    with recorded(answers(is_put, lambda: answer(403, "AccessDenied"))):
        assert typed("5d1f", "--auto-approve")[0] == 10
    assert there(writer) == HELD


@pytest.mark.parametrize("name", ["", "s3://", "wild/run"])
def test_what_is_no_bucket_is_refused_before_anything_is_sent(name: str) -> None:
    with recorded() as wire:
        assert run(["unlock", name, "5d1f"]) == 4
    assert wire.sent == []


def test_a_buckets_url_is_its_name(writer: Writer, bucket: str) -> None:
    put(writer, HELD)
    assert run(["unlock", f"s3://{bucket}/", "5d1f", "--auto-approve"]) == 0
    assert there(writer).released
