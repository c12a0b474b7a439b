"""Records that are replaced under a condition: what the bucket holds decides, not the reply."""

from __future__ import annotations

import datetime as dt
import io
from concurrent.futures import ThreadPoolExecutor
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from urllib3.exceptions import ProtocolError

from labelplan.errors import AwsRefused
from labelplan.store.s3 import open_writer
from labelplan.store.s3_records import S3Records
from tests.simulators.s3.running import running
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.awsrequest import AWSResponse
    from mypy_boto3_s3 import S3Client

    from labelplan.store.interface import Record, Writer
    from tests.wire import Sent

KEY = ".labelplan/lock"
NOON = dt.datetime(2031, 11, 22, 12, tzinfo=dt.UTC)
OLD, NEW, OTHERS = b"old", b"new", b"another's"


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A server whose look and act are one step, as S3's; moto's are two."""
    with running() as simulator:
        yield simulator.url


@pytest.fixture
def writer(bucket: str) -> Writer:
    return open_writer(bucket)


@pytest.fixture
def etag(writer: Writer) -> str:
    """The ETag of a record that is there."""
    assert writer.put_once(KEY, OLD)
    return read(writer).etag


def read(writer: Writer) -> Record:
    record = writer.dated_record(KEY)
    assert record is not None
    return record


def is_put(one: Sent) -> bool:
    return one.method == "PUT"


def is_get(one: Sent) -> bool:
    return one.method == "GET"


def puts(sent: list[Sent]) -> list[Sent]:
    return [one for one in sent if is_put(one)]


# --- writing once ---------------------------------------------------------------------------------------------------


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, and nobody waits."""
    pauses: list[float] = []
    monkeypatch.setattr("labelplan.store.s3_records.time.sleep", pauses.append)
    return pauses


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (500, "InternalError"), (409, "ConditionalRequestConflict"), (400, "RequestTimeout")],
)
@pytest.mark.parametrize("body", [NEW, io.BytesIO(NEW)])
def test_a_record_that_a_busy_server_did_not_take_is_looked_for_and_sent_again(
    writer: Writer, paused: list[float], status: int, code: str, body: Any
) -> None:
    with recorded(answers(is_put, lambda: answer(status, code), times=3)) as wire:
        assert writer.put_once(KEY, body)
    assert [one.method for one in wire.sent if one.record] == ["PUT", "GET"] * 3 + ["PUT"]
    assert {one.headers["if-none-match"] for one in puts(wire.sent)} == {"*"}
    assert [at / 2 < pause <= at for at, pause in zip((0.25, 0.5, 1), paused, strict=True)] == [True] * 3
    assert read(writer).body == NEW


def test_a_record_that_another_wrote_while_one_waits_is_not_replaced(writer: Writer, paused: list[float]) -> None:
    def overtaken(one: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        if is_put(one) and not paused:
            return answer(503, "SlowDown")
        return carry_out()

    other = open_writer(writer.target().bucket)

    def overtake(_: object, tried: int) -> None:
        paused.append(tried)
        assert other.put_once(KEY, OTHERS)

    with pytest.MonkeyPatch.context() as patch, recorded(overtaken):
        patch.setattr(S3Records, "pause", overtake)
        assert not writer.put_once(KEY, NEW)
    assert read(writer).body == OTHERS


def test_a_first_request_that_arrives_late_is_the_same_record(writer: Writer, paused: list[float]) -> None:
    def late(one: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        if not is_put(one):
            return carry_out()
        if not paused:
            return answer(503, "SlowDown")
        wire.disturb = None
        assert writer.put_once(KEY, NEW)  # as the first one would
        return carry_out()

    with recorded(late) as wire:
        assert writer.put_once(KEY, NEW)
    assert len(puts(wire.sent)) == 3
    assert read(writer).body == NEW


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (400, "ExpiredToken"), (501, "NotImplemented")])
def test_a_record_that_the_server_will_not_take_is_sent_once(
    writer: Writer, paused: list[float], status: int, code: str
) -> None:
    with recorded(answers(is_put, lambda: answer(status, code))) as wire, pytest.raises(AwsRefused):
        writer.put_once(KEY, NEW)
    assert (len(puts(wire.sent)), paused) == (1, [])


# --- replacing ------------------------------------------------------------------------------------------------------


def test_a_record_is_replaced_and_the_new_etag_told(writer: Writer, etag: str) -> None:
    new = writer.replace_record(KEY, NEW, etag)
    assert (read(writer).body, read(writer).etag) == (NEW, new)
    assert new != etag


def test_the_condition_names_the_etag_without_quotes_which_every_server_takes(writer: Writer, etag: str) -> None:
    with recorded() as wire:
        writer.replace_record(KEY, NEW, etag)
    (sent,) = wire.sent
    assert (sent.method, sent.key, sent.headers["if-match"]) == ("PUT", KEY, etag)


def test_a_record_that_is_another_now_is_left_alone(writer: Writer, etag: str) -> None:
    writer.replace_record(KEY, OTHERS, etag)
    assert writer.replace_record(KEY, NEW, etag) is None
    assert read(writer).body == OTHERS


def test_a_record_that_is_not_there_is_not_made(writer: Writer) -> None:
    assert writer.replace_record(KEY, NEW, "0" * 32) is None
    assert writer.dated_record(KEY) is None


def test_of_many_who_replace_a_record_at_once_one_wins(writer: Writer, etag: str) -> None:
    bodies = [b"%d" % number for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda body: writer.replace_record(KEY, body, etag), bodies))
    assert [one is None for one in won].count(False) == 1
    assert read(writer).body == next(body for body, one in zip(bodies, won, strict=True) if one)


def test_after_a_lost_reply_the_record_says_whether_it_was_replaced(writer: Writer, etag: str) -> None:
    with recorded(lost_replies(is_put)) as wire:
        new = writer.replace_record(KEY, NEW, etag)
    assert (read(writer).body, read(writer).etag) == (NEW, new)
    with recorded(lost_replies(is_put)) as wire_of_late:
        assert writer.replace_record(KEY, OTHERS, etag) is None
    assert read(writer).body == NEW
    assert (len(puts(wire.sent)), len(puts(wire_of_late.sent))) == (1, 1)


def test_a_refusal_of_a_request_that_was_carried_out_before_is_no_refusal(writer: Writer, etag: str) -> None:
    def repeated(one: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        first = carry_out()
        return answer(412, "PreconditionFailed") if is_put(one) else first

    with recorded(repeated):
        new = writer.replace_record(KEY, NEW, etag)
    assert new == read(writer).etag
    assert read(writer).body == NEW


@pytest.mark.parametrize("status", [404, 409, 412])
def test_a_refusal_with_the_record_as_it_was_means_that_it_was_not_replaced(
    writer: Writer, etag: str, status: int
) -> None:
    with recorded(answers(is_put, lambda: answer(status, "ConditionalRequestConflict"))):
        assert writer.replace_record(KEY, NEW, etag) is None
    assert read(writer).body == OLD


def test_a_record_that_was_not_replaced_for_another_reason_is_an_error(writer: Writer, etag: str) -> None:
    with (
        recorded(answers(is_put, lambda: answer(503, "SlowDown"))) as wire,
        pytest.raises(AwsRefused, match=r"Cannot write s3://.*/\.labelplan/lock: S3 is too busy"),
    ):
        writer.replace_record(KEY, NEW, etag)
    assert len(puts(wire.sent)) == 1


def test_a_reply_without_an_etag_is_made_up_for_by_a_look(writer: Writer, etag: str) -> None:
    def without(one: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        reply = carry_out()
        if is_put(one):
            del reply.headers["ETag"]
        return reply

    with recorded(without):
        assert writer.replace_record(KEY, NEW, etag)
    assert read(writer).body == NEW


# --- reading with S3's clock ----------------------------------------------------------------------------------------


def dated(when: str) -> Any:
    def disturb(_: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        reply = carry_out()
        reply.headers["Date"] = when
        return reply

    return disturb


def test_a_record_is_read_with_its_etag_and_s3s_clock(s3: S3Client, bucket: str, writer: Writer, etag: str) -> None:
    with recorded(dated(format_datetime(NOON, usegmt=True))):
        record = read(writer)
    assert (record.body, record.now) == (OLD, NOON)
    assert record.etag == etag == s3.head_object(Bucket=bucket, Key=KEY)["ETag"].strip('"')


@pytest.mark.parametrize("when", ["yesterday", "", "Sat, 22 Nov 2031 12:00:00 -0000"])
def test_a_server_that_does_not_tell_its_time_is_refused(writer: Writer, etag: str, when: str) -> None:
    assert etag
    with recorded(dated(when)), pytest.raises(AwsRefused, match="the server's answer is not S3's"):
        writer.dated_record(KEY)


class _Broken(io.BytesIO):
    def read(self, _: int | None = None) -> bytes:
        raise ProtocolError("the connection broke")


def broken(times: int) -> Any:
    left = iter(range(times))

    def disturb(one: Sent, carry_out: Callable[[], AWSResponse]) -> AWSResponse:
        reply = carry_out()
        if is_get(one) and next(left, None) is not None:
            reply.raw = _Broken()
        return reply

    return disturb


def test_a_connection_that_breaks_in_the_middle_is_made_again(writer: Writer, etag: str) -> None:
    with recorded(broken(2)) as wire:
        assert read(writer).etag == etag
    assert len(wire.sent) == 3


def test_a_connection_that_breaks_each_time_is_an_error(writer: Writer, etag: str) -> None:
    assert etag
    with recorded(broken(3)) as wire, pytest.raises(AwsRefused, match="Cannot read"):
        writer.dated_record(KEY)
    assert len(wire.sent) == 3


def outside(writer: Writer) -> Iterator[Callable[[], object]]:
    yield lambda: writer.replace_record("deer/1.jpg", NEW, "0" * 32)
    yield lambda: writer.dated_record("deer/1.jpg")


def test_nothing_outside_the_records_folder_is_replaced_or_read(writer: Writer) -> None:
    for call in outside(writer):
        with recorded() as wire, pytest.raises(ValueError, match="is not a record"):
            call()
        assert wire.sent == []
