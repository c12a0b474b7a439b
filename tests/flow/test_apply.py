"""Stories of apply: what goes, what stays, what is refused, and what the bucket's record says of it."""

from __future__ import annotations

import hashlib
import re
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from labelplan.errors import AwsRefused
from labelplan.flow.apply import apply_plan
from labelplan.model.run import ApplyResult, Intent, RunEnd, RunStart
from labelplan.model.spec import Backup
from labelplan.planfile.reader import open_plan
from labelplan.store.s3 import open_writer
from tests.flow.applying import (
    KEYS,
    NOON,
    SINGLE,
    UNLOCKED,
    Diary,
    apply,
    content,
    history,
    lines,
    noon,
    one_at_a_time,
    records,
    undo,
    write_plan,
)
from tests.wire import Killed, answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.wire import Sent


def read(s3: S3Client, bucket: str, key: str) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def etag(key: str) -> str:
    return hashlib.md5(key.encode()).hexdigest()  # noqa: S324 - what S3 calls an ETag


def is_delete(one: Sent) -> bool:
    return one.method == "DELETE"


def test_exactly_what_the_plan_lists_as_delete_is_deleted(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[1:3])
    applied = apply(plan, deer)
    assert sorted(content(s3, deer)) == [KEYS[0], *KEYS[3:]]
    assert (applied.counts, applied.others, applied.in_part, applied.finished) == ({"deleted": 2}, (), False, True)


def test_the_run_is_named_by_bucket_minute_and_a_random_number(deer: str, tmp_path: Path) -> None:
    first = apply(write_plan(tmp_path / "p", deer, KEYS[:1]), deer).run
    bucket, _, run = first.partition("/")
    assert bucket == deer
    assert run.startswith("20261122T1200Z-")
    assert len(run) == len("20261122T1200Z-3f9a0b1c")


def test_two_runs_never_share_a_name(s3: S3Client, deer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(tokens))
    one, two = write_plan(tmp_path / "1", deer, KEYS[:1]), write_plan(tmp_path / "2", deer, KEYS[1:2])
    assert [apply(plan, deer).run[-4:] for plan in (one, two)] == ["aaaa", "bbbb"]
    assert sorted(content(s3, deer)) == KEYS[2:]


def test_the_record_is_in_the_bucket_before_the_first_delete(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:2])
    with recorded() as wire:
        run = apply(plan, deer).run.split("/")[1]
    before = [one.key for one in wire.sent[: wire.sent.index(wire.deletes()[0])] if one.method == "PUT"]
    with open_plan(plan) as opened:
        sha256 = opened.statement_sha256
    folder = f".labelplan/runs/{run}/"
    assert before == [
        folder + "start.json",
        f".labelplan/plans/{sha256}",
        folder + "plan.json",
        folder + "segments/000000-01.intent.jsonl.zst",
    ]
    assert read(s3, deer, folder + "plan.json") == plan.read_bytes()


def test_the_record_says_what_was_done(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:2])
    with open_plan(plan) as opened:
        statement, whole, target = opened.statement_sha256, opened.sha256, opened.header.target
        planned = {one.key: one.version_id for one in opened.decisions()}
    run = apply(plan, deer).run.split("/")[1]
    folder = f".labelplan/runs/{run}/"
    start = msgspec.json.decode(read(s3, deer, folder + "start.json"), type=RunStart)
    assert start == RunStart(
        "labelplan/run/1", run, statement, whole, target, NOON, "SHA256:me", Backup(), SINGLE, "single", 1000
    )
    intents = lines(s3, deer, folder + "segments/000000-01.intent.jsonl.zst", Intent)
    assert intents == [Intent(key, planned[key], etag(key), len(key)) for key in KEYS[:2]]
    markers = {key: version for key, version, is_marker, _ in history(s3, deer) if is_marker}
    done = lines(s3, deer, folder + "segments/000000-01.done.jsonl.zst", ApplyResult)
    assert done == [ApplyResult(key, planned[key], "deleted", markers[key]) for key in KEYS[:2]]
    end = msgspec.json.decode(read(s3, deer, folder + "run.json"), type=RunEnd)
    assert end == RunEnd(run, NOON, {"deleted": 2})


def test_a_delete_carries_the_etag_and_never_a_version(deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS)
    with recorded() as wire:
        apply(plan, deer)
    assert len(wire.deletes()) == len(KEYS)
    assert all(one.headers["if-match"].startswith('"') for one in wire.deletes())
    assert not any("versionId" in one.query for one in wire.sent)


def test_nothing_but_records_is_written_and_nothing_but_planned_keys_deleted(deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:2])
    with recorded() as wire:
        apply(plan, deer)
    changes = [one for one in wire.sent if one.changes and one.bucket]
    assert all(one.record for one in changes if one.method == "PUT")
    assert sorted(one.key for one in changes if one.method != "PUT") == KEYS[:2]


def test_what_changed_or_went_since_the_plan_is_left_alone_and_reported(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS)
    s3.put_object(Bucket=deer, Key=KEYS[0], Body=b"new")
    s3.delete_object(Bucket=deer, Key=KEYS[1])
    for key in KEYS[2:4]:
        for version in s3.list_object_versions(Bucket=deer, Prefix=key)["Versions"]:
            s3.delete_object(Bucket=deer, Key=key, VersionId=version["VersionId"])
    s3.put_object(Bucket=deer, Key=KEYS[3], Body=KEYS[3].encode())  # the same bytes, but another version
    before = history(s3, deer)
    applied = apply(plan, deer)
    assert applied.counts == {"changed": 2, "gone": 2, "deleted": 1}
    assert applied.in_part
    assert applied.finished
    assert {(one.key, one.outcome) for one in applied.others} == {
        (KEYS[0], "changed"),
        (KEYS[1], "gone"),
        (KEYS[2], "gone"),
        (KEYS[3], "changed"),
    }
    assert {one for one in history(s3, deer) if one[0] != KEYS[4]} == {one for one in before if one[0] != KEYS[4]}


def test_an_object_that_changes_between_the_look_and_the_delete_stays(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:2])

    def somebody_is_faster(one: Sent, carry_out: Any) -> Any:
        if is_delete(one):
            wire.disturb = None
            if one.key == KEYS[0]:
                s3.put_object(Bucket=deer, Key=KEYS[0], Body=b"new")
            else:
                s3.delete_object(Bucket=deer, Key=KEYS[1])
            wire.disturb = somebody_is_faster
        return carry_out()

    with recorded() as wire, one_at_a_time():
        wire.disturb = somebody_is_faster
        applied = apply(plan, deer)
    assert applied.counts == {"changed": 1, "deleted": 1}  # who made a marker of the run's time, nobody can tell
    assert read(s3, deer, KEYS[0]) == b"new"
    assert [key for key, _, is_marker, _ in history(s3, deer) if is_marker] == [KEYS[1]]


def test_a_delete_whose_reply_was_lost_counts_once_looked_at(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS)
    before = history(s3, deer)
    with recorded() as wire:
        wire.disturb = lost_replies(is_delete, times=3)
        applied = apply(plan, deer)
    assert applied.counts == {"deleted": 5}
    assert len(wire.deletes()) == 5
    assert undo(applied.run).counts == {"restored": 5}
    assert history(s3, deer) == before


def test_a_delete_that_is_repeated_on_the_way_is_the_run_s_although_the_reply_says_no(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan, before = write_plan(tmp_path / "p", deer, KEYS), history(s3, deer)

    def answered_to_the_second(one: Sent, carry_out: Any) -> Any:
        reply = carry_out()
        return answer(412, "PreconditionFailed") if is_delete(one) else reply

    with recorded(answered_to_the_second):
        applied = apply(plan, deer)
    assert applied.counts == {"deleted": 5}
    assert undo(applied.run).counts == {"restored": 5}
    assert history(s3, deer) == before


def test_what_another_attempt_deleted_before_it_was_killed_is_the_run_s(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan, before = write_plan(tmp_path / "p", deer, KEYS[:1]), history(s3, deer)

    def other_is_killed(one: Sent, carry_out: Any) -> Any:
        if is_delete(one):
            wire.disturb = None
            carry_out()
            raise Killed
        return carry_out()

    def other_is_faster(one: Sent, carry_out: Any) -> Any:
        if is_delete(one):
            wire.disturb = other_is_killed
            with pytest.raises(Killed):
                apply(plan, deer)
        return carry_out()

    with one_at_a_time(), recorded() as wire:
        wire.disturb = other_is_faster
        applied = apply(plan, deer)
    assert applied.counts == {"deleted": 1}
    assert undo(applied.run).counts == {"restored": 1}
    assert history(s3, deer) == before


@pytest.mark.parametrize("field", ["ETag", "Size", "IsLatest", "LastModified"])
def test_objects_of_which_the_server_does_not_say_all_failed_and_are_tried_again(
    deer: str, tmp_path: Path, field: str
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:2])

    def left_out(one: Sent, carry_out: Any) -> Any:
        reply = carry_out()
        if "versions" not in one.query:
            return reply
        return answer(200, body=re.sub(rb"<%s>.*?</%s>" % ((field.encode(),) * 2), b"", reply.content))

    with recorded(left_out):
        applied = apply(plan, deer)
    assert applied.counts == {"failed": 2}
    assert applied.others[0].message == f"The server does not say the {field} of '{KEYS[1]}', as S3 does."
    assert apply(plan, deer).counts == {"deleted": 2}


VERSION = b"<ListVersionsResult><Version><LastModified>?</LastModified></Version></ListVersionsResult>"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<not xml", "S3 is too busy"),  # botocore makes a 500 of it
        (b"<html>Welcome</html>", "The server's answer is not a listing"),
        (VERSION, "The server does not say the Key of"),
    ],
)
def test_a_listing_that_makes_no_sense_is_a_failure_and_nothing_is_deleted(
    deer: str, tmp_path: Path, body: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # botocore waits between attempts
    plan = write_plan(tmp_path / "p", deer, KEYS[:2])
    with recorded(answers(lambda one: "versions" in one.query, lambda: answer(200, body=body))):
        applied = apply(plan, deer)
    assert applied.counts == {"failed": 2}
    assert said in applied.others[0].message


@pytest.mark.parametrize("code", [(500, "InternalError"), (403, "AccessDenied"), (412, "PreconditionFailed")])
def test_a_delete_that_did_not_happen_failed_and_the_same_command_tries_it_again(
    s3: S3Client, deer: str, tmp_path: Path, code: tuple[int, str]
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:3])
    with recorded() as wire:
        wire.disturb = answers(lambda one: is_delete(one) and one.key == KEYS[1], lambda: answer(*code, "No"))
        first = apply(plan, deer)
    assert first.counts == {"deleted": 2, "failed": 1}
    assert [(one.key, one.message) for one in first.others] == [(KEYS[1], f"it is still there: {code[1]}: No")]
    assert (first.in_part, first.finished) == (True, False)
    with recorded() as wire:
        second = apply(plan, deer)
    assert [one.key for one in wire.deletes()] == [KEYS[1]]
    assert (second.run, second.counts, second.others) == (first.run, {"deleted": 3}, ())
    assert sorted(content(s3, deer)) == KEYS[3:]


def test_objects_whose_versions_cannot_be_read_failed(deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS[:2])
    with recorded() as wire:
        wire.disturb = answers(lambda one: "versions" in one.query, lambda: answer(403, "AccessDenied", "Not this one"))
        applied = apply(plan, deer)
    assert applied.counts == {"failed": 2}
    assert "access denied (AccessDenied: Not this one)" in applied.others[0].message


def test_when_nothing_works_any_more_it_stops(
    s3: S3Client, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelplan.flow.deleting._HOPELESS", 2)
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=b"deer")
    plan = write_plan(tmp_path / "p", bucket, KEYS)
    with recorded() as wire, one_at_a_time(batch=3):
        wire.disturb = answers(is_delete, lambda: answer(403, "AccessDenied", "explicit deny"))
        with pytest.raises(AwsRefused, match=r"none of 3 deletes worked.*explicit deny"):
            apply(plan, bucket)
    assert len(wire.deletes()) == 3
    assert apply(plan, bucket).counts == {"deleted": 5}


def test_an_observer_hears_of_the_start_and_of_every_batch(deer: str, tmp_path: Path) -> None:
    diary = Diary()
    with one_at_a_time(batch=2):
        apply(write_plan(tmp_path / "p", deer, KEYS), deer, observer=diary)
    assert diary.heard == [(deer, 5, False), {"deleted": 2}, {"deleted": 4}, {"deleted": 5}]


def test_when_asked_to_stop_the_batch_in_flight_is_recorded_and_the_same_command_goes_on(
    s3: S3Client, deer: str, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS)
    stop = threading.Event()
    with one_at_a_time(batch=2):
        with pytest.raises(KeyboardInterrupt):
            apply(plan, deer, observer=Diary(stop), stop=stop)
        assert sorted(content(s3, deer)) == KEYS[2:]
        diary = Diary()
        with recorded() as wire:
            apply(plan, deer, observer=diary)
    assert [one.key for one in wire.deletes()] == KEYS[2:]
    assert diary.heard == [(deer, 5, True), {"deleted": 2}, {"deleted": 4}, {"deleted": 5}]
    assert len([key for key in records(s3, deer) if key.endswith("done.jsonl.zst")]) == 3


def test_a_stop_that_comes_in_the_last_batch_finishes(deer: str, tmp_path: Path) -> None:
    stop = threading.Event()
    assert apply(write_plan(tmp_path / "p", deer, KEYS), deer, observer=Diary(stop), stop=stop).finished


def test_two_who_apply_the_same_plan_at_once_share_one_run(s3: S3Client, deer: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "p", deer, KEYS)
    before, both = history(s3, deer), threading.Barrier(2)

    def together(one: Sent, carry_out: Any) -> Any:
        if one.method == "PUT" and "/plans/" in one.key:
            both.wait(30)  # both have looked for a claim, and found none
        return carry_out()

    runs: list[str] = []

    def apply_it() -> None:
        with open_plan(plan) as opened:
            applied = apply_plan(
                opened, open_writer(deer), signer="SHA256:me", now=noon, capabilities=SINGLE, **UNLOCKED
            )
        assert applied.counts == {"deleted": 5}  # by the run that they share, and nobody else
        runs.append(applied.run)

    with recorded() as wire:
        wire.disturb = together
        threads = [threading.Thread(target=apply_it) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert runs[0] == runs[1]
    markers = [key for key, _, is_marker, _ in history(s3, deer) if is_marker]
    assert sorted(markers) == KEYS
    undo(runs[0])
    assert history(s3, deer) == before
