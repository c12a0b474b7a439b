"""Stories of undo: everything back, nothing newer touched, and a forged record that cannot do harm."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from labelplan.errors import AwsRefused, PlanCorrupt, RunNotFound, UsageError, WrongTarget
from labelplan.flow.undo import undo_run
from labelplan.model.plan import Decision
from labelplan.model.run import ApplyResult, Intent, RunEnd, RunStart, UndoResult
from labelplan.model.spec import Backup
from labelplan.planfile.reader import open_plan
from labelplan.store.s3 import open_writer
from labelplan.store.segments import pack
from tests.flow.applying import (
    KEYS,
    NOON,
    SINGLE,
    Diary,
    apply,
    content,
    history,
    lines,
    one_at_a_time,
    records,
    undo,
    write_decisions,
    write_plan,
)
from tests.wire import answer, answers, lost_replies, recorded

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.wire import Sent


def is_bulk(one: Sent) -> bool:
    return "delete" in one.query and b"<VersionId>" in one.body


def is_delete(one: Sent) -> bool:
    return one.method == "DELETE" or "delete" in one.query


@pytest.fixture
def plan(deer: str, tmp_path: Path) -> Path:
    """A plan that deletes the first three of five."""
    return write_plan(tmp_path / "p", deer, KEYS[:3])


def test_undo_brings_back_bytes_type_metadata_tags_and_history(s3: S3Client, deer: str, tmp_path: Path) -> None:
    for key, odd in [("odd/a b+c&d%41#?.jpg", "x"), ("odd//é/\U0001f98c", "y")]:
        s3.put_object(Bucket=deer, Key=key, Body=b"an older version")
        s3.put_object(
            Bucket=deer, Key=key, Body=odd.encode(), ContentType="image/jpeg", Metadata={"by": odd}, Tagging=f"t={odd}"
        )
    before, seen = history(s3, deer), content(s3, deer)
    applied = apply(write_plan(tmp_path / "p", deer, seen.keys()), deer)
    assert content(s3, deer) == {}
    undone = undo(applied.run)
    assert (history(s3, deer), content(s3, deer)) == (before, seen)
    assert (undone.run, undone.counts, undone.others, undone.in_part) == (applied.run, {"restored": 7}, (), False)


def test_undo_needs_the_record_alone(s3: S3Client, deer: str, plan: Path) -> None:
    before = history(s3, deer)
    applied = apply(plan, deer)
    plan.unlink()
    undo(applied.run)
    assert history(s3, deer) == before


def test_undo_sends_a_version_id_only_for_a_marker_that_it_has_just_listed(s3: S3Client, deer: str, plan: Path) -> None:
    run = apply(plan, deer).run
    markers = {(key, version) for key, version, is_marker, _ in history(s3, deer) if is_marker}
    with recorded() as wire:
        undo(run)
    (removal,) = [one for one in wire.sent if is_delete(one)]
    listed = [i for i, one in enumerate(wire.sent) if "versions" in one.query]
    assert set(re.findall(r"<Key>(.*?)</Key><VersionId>(.*?)</VersionId>", removal.body.decode())) == markers
    assert min(listed) < wire.sent.index(removal) < max(listed)


def test_undo_records_what_it_did(s3: S3Client, deer: str, plan: Path) -> None:
    run = apply(plan, deer).run.split("/")[1]
    undo(f"{deer}/{run}")
    store = open_writer(deer)
    done = lines(s3, deer, f".labelplan/runs/{run}/undo/000000-01.jsonl.zst", UndoResult)
    versions = {key: version for key, version, _, _ in history(s3, deer)}
    assert done == [UndoResult(key, versions[key], "restored") for key in KEYS[:3]]
    end = msgspec.json.decode(store.read_record(f".labelplan/runs/{run}/undone.json") or b"", type=RunEnd)
    assert end == RunEnd(run, NOON, {"restored": 3})


def test_undo_twice_finds_everything_there(s3: S3Client, deer: str, plan: Path) -> None:
    before, run = history(s3, deer), apply(plan, deer).run
    undo(run)
    with recorded() as wire:
        assert undo(run).counts == {"present": 3}
    assert not [one for one in wire.sent if is_delete(one)]
    assert history(s3, deer) == before


def test_a_part_can_be_undone_and_then_the_rest(s3: S3Client, deer: str, plan: Path) -> None:
    before, run = history(s3, deer), apply(plan, deer).run
    assert undo(run, keys=[KEYS[1]]).counts == {"restored": 1}
    assert sorted(content(s3, deer)) == [KEYS[1], *KEYS[3:]]
    assert not [key for key in records(s3, deer) if key.endswith("undone.json")]
    assert undo(run).counts == {"restored": 2, "present": 1}
    assert history(s3, deer) == before


def test_a_key_that_the_run_did_not_delete_is_an_error_before_anything_is_changed(deer: str, plan: Path) -> None:
    run = apply(plan, deer).run
    with recorded() as wire, pytest.raises(UsageError, match=r"did not delete deer/4\.jpg, nowhere"):
        undo(run, keys=[KEYS[0], KEYS[3], "nowhere"])
    assert not [one for one in wire.sent if one.changes and one.bucket]


def test_what_the_run_had_found_changed_or_gone_is_none_of_undo_s_business(s3: S3Client, deer: str, plan: Path) -> None:
    s3.put_object(Bucket=deer, Key=KEYS[0], Body=b"new")
    s3.delete_object(Bucket=deer, Key=KEYS[1])
    before, run = history(s3, deer), apply(plan, deer).run
    assert undo(run).counts == {"restored": 1}
    assert history(s3, deer) == before


def test_anything_newer_is_left_alone(s3: S3Client, deer: str, plan: Path) -> None:
    run = apply(plan, deer).run
    s3.put_object(Bucket=deer, Key=KEYS[0], Body=b"newer")
    s3.put_object(Bucket=deer, Key=KEYS[1], Body=b"newer, and gone")
    s3.delete_object(Bucket=deer, Key=KEYS[1])
    newer = {one for one in history(s3, deer) if one[0] in KEYS[:2]}
    undone = undo(run)
    assert (undone.counts, undone.in_part) == ({"left": 2, "restored": 1}, True)
    assert [one.key for one in undone.others] == KEYS[:2]
    assert undone.others[0].message == "another object was stored under this key"
    assert "that is not known to be this run's lies on it: " in undone.others[1].message
    assert {one for one in history(s3, deer) if one[0] in KEYS[:2]} == newer


def test_a_version_that_is_gone_for_good_is_said_and_its_marker_stays(s3: S3Client, deer: str, plan: Path) -> None:
    versions = {key: version for key, version, _, _ in history(s3, deer)}
    run = apply(plan, deer).run
    s3.delete_object(Bucket=deer, Key=KEYS[0], VersionId=versions[KEYS[0]])
    undone = undo(run)
    assert undone.counts == {"failed": 1, "restored": 2}
    assert "gone for good" in undone.others[0].message
    assert not [key for key in records(s3, deer) if key.endswith("undone.json")]


def test_a_removal_whose_reply_was_lost_counts_once_looked_at(s3: S3Client, deer: str, plan: Path) -> None:
    before, run = history(s3, deer), apply(plan, deer).run
    with recorded(lost_replies(is_delete, times=1)) as wire, one_at_a_time():
        assert undo(run).counts == {"restored": 3}
    assert len([one for one in wire.sent if is_delete(one)]) == 1
    assert history(s3, deer) == before


def test_where_markers_may_not_be_removed_the_old_version_is_copied_back(s3: S3Client, deer: str, plan: Path) -> None:
    before, was, run = history(s3, deer), content(s3, deer), apply(plan, deer).run
    with recorded(answers(is_bulk, lambda: answer(403, "AccessDenied", "No DeleteObjectVersion"))):
        undone = undo(run)
    assert undone.counts == {"restored": 3}
    assert {one[1] for one in before} < {one[1] for one in history(s3, deer)}  # every old version is there
    assert {key: seen[:-1] for key, seen in content(s3, deer).items()} == {key: one[:-1] for key, one in was.items()}


def test_an_object_whose_versions_cannot_be_read_failed(deer: str, plan: Path) -> None:
    run = apply(plan, deer).run
    refusal = answers(lambda one: "versions" in one.query, lambda: answer(403, "AccessDenied"))
    with recorded(refusal):
        assert undo(run).counts == {"failed": 3}


def test_somebody_who_deletes_again_while_undo_looks_is_noticed(s3: S3Client, deer: str, plan: Path) -> None:
    run = apply(plan, deer).run

    def deleted_again(one: Sent, carry_out: Any) -> Any:
        reply = carry_out()
        if is_delete(one):
            wire.disturb = None
            for key in KEYS[:3]:
                s3.delete_object(Bucket=deer, Key=key)
            wire.disturb = deleted_again
        return reply

    with one_at_a_time(), recorded(deleted_again) as wire:
        undone = undo(run)
    assert undone.counts == {"failed": 3}
    assert "another one lies on it" in undone.others[0].message


def test_an_undo_that_is_stopped_goes_on(s3: S3Client, deer: str, plan: Path) -> None:
    before, stop = history(s3, deer), threading.Event()
    diary = Diary(stop)
    with one_at_a_time(batch=2):
        run = apply(plan, deer).run
        with pytest.raises(KeyboardInterrupt):
            undo(run, observer=diary, stop=stop)
    assert diary.heard == [(deer, 3, False), {"restored": 2}]
    assert undo(run).counts == {"present": 2, "restored": 1}
    assert history(s3, deer) == before


def test_a_run_that_was_stopped_half_way_is_undone(s3: S3Client, deer: str, plan: Path) -> None:
    before, stop = history(s3, deer), threading.Event()
    with one_at_a_time(batch=2), pytest.raises(KeyboardInterrupt):
        apply(plan, deer, observer=Diary(stop), stop=stop)
    run = next(key for key in records(s3, deer) if "/runs/" in key).split("/")[2]
    assert undo(f"{deer}/{run}").counts == {"restored": 2}
    assert history(s3, deer) == before


def test_a_null_marker_is_not_removed_but_the_old_version_copied_over_it(s3: S3Client, deer: str, plan: Path) -> None:
    run = apply(plan, deer).run
    marker = next(version for key, version, is_marker, _ in history(s3, deer) if is_marker and key == KEYS[1])
    results = f".labelplan/runs/{run.split('/')[1]}/segments/000000-01.done.jsonl.zst"
    s3.delete_object(Bucket=deer, Key=results)  # as if it had been killed before it recorded anything

    def null_marker(_: Sent, carry_out: Any) -> Any:
        reply = carry_out()
        return answer(reply.status_code, body=reply.content.replace(marker.encode(), b"null"), **reply.headers)

    with recorded(null_marker):
        undone = undo(run)
    assert undone.counts == {"restored": 3}
    assert sorted(content(s3, deer)) == KEYS
    assert marker in {version for _, version, _, _ in history(s3, deer)}


# --- what is not there, and what was forged -------------------------------------------------------------------------


@pytest.mark.parametrize("run_id", ["20261122T1405Z-3f9a", "../../deer", "nonsense"])
def test_a_run_that_is_not_there_is_not_found(deer: str, run_id: str) -> None:
    with pytest.raises(RunNotFound, match=run_id):
        undo_run(open_writer(deer), run_id)


def test_a_run_that_never_began_has_nothing_to_undo(s3: S3Client, deer: str, plan: Path) -> None:
    refusal = answers(lambda one: one.key.endswith("plan.json"), lambda: answer(403, "AccessDenied"))
    with recorded(refusal), pytest.raises(AwsRefused):
        apply(plan, deer)
    run = next(key for key in records(s3, deer) if "/runs/" in key).split("/")[2]
    with pytest.raises(RunNotFound, match="stopped before it deleted anything"):
        undo_run(open_writer(deer), run)


RUN = "20261122T1405Z-3f9a"


def forge(path: Path, bucket: str, results: list[ApplyResult], **start: Any) -> str:
    """Write a whole run record that no apply has written."""
    folder = f".labelplan/runs/{RUN}/"
    store = open_writer(bucket)
    with open_plan(path) as opened:
        values: dict[str, Any] = {
            "format": "labelplan/run/1",
            "run": RUN,
            "statement_sha256": opened.statement_sha256,
            "plan_sha256": opened.sha256,
            "target": store.target(),
            "started": NOON,
            "signer": "SHA256:evil",
            "backup": Backup(),
            "capabilities": SINGLE,
            "strategy": "single",
            "batch": 1000,
        }
        store.put_once(folder + "plan.json", opened.file)
    store.put_once(folder + "start.json", msgspec.json.encode(RunStart(**(values | start))))
    intents = [Intent(one.key, one.version_id, "", 0) for one in results]
    store.put_once(folder + "segments/000000-01.intent.jsonl.zst", pack(intents))
    store.put_once(folder + "segments/000000-01.done.jsonl.zst", pack(results))
    return f"{bucket}/{RUN}"


def test_a_forged_record_cannot_erase_a_version(s3: S3Client, deer: str, tmp_path: Path) -> None:
    s3.put_object(Bucket=deer, Key=KEYS[0], Body=b"new")
    path = write_plan(tmp_path / "p", deer, KEYS)
    before = history(s3, deer)
    versions = [(key, version) for key, version, _, _ in before]
    run = forge(path, deer, [ApplyResult(key, version, "deleted", version) for key, version in versions])
    with recorded() as wire:
        assert undo(run).counts == {"present": 5}
    assert not [one for one in wire.sent if is_delete(one)]
    assert history(s3, deer) == before


def test_a_forged_plan_cannot_erase_a_version_either(s3: S3Client, deer: str, tmp_path: Path) -> None:
    s3.put_object(Bucket=deer, Key=KEYS[0], Body=b"new")
    before = history(s3, deer)
    old, new = (
        next(version for key, version, _, latest in before if key == KEYS[0] and latest is current)
        for current in (False, True)
    )
    etag = s3.head_object(Bucket=deer, Key=KEYS[0], VersionId=old)["ETag"].strip('"')
    forged = Decision(KEYS[0], old, etag, len(KEYS[0]), "deer", "delete", "no-evidence")
    path = write_decisions(tmp_path / "p", [forged], target=open_writer(deer).target())
    run = forge(path, deer, [ApplyResult(KEYS[0], old, "deleted", new)])
    with recorded() as wire:
        assert undo(run).counts == {"left": 1}
    assert not [one for one in wire.sent if is_delete(one)]
    assert history(s3, deer) == before


def test_a_forged_marker_cannot_bring_back_what_another_deleted_later(
    s3: S3Client, deer: str, plan: Path, tmp_path: Path
) -> None:
    apply(plan, deer)
    s3.put_object(Bucket=deer, Key=KEYS[0], Body=b"newer, and gone")
    theirs = s3.delete_object(Bucket=deer, Key=KEYS[0])["VersionId"]
    old = next(version for key, version, is_marker, _ in history(s3, deer) if key == KEYS[0] and not is_marker)
    forged = Decision(KEYS[0], old, "0" * 32, 1, "deer", "delete", "no-evidence")
    path = write_decisions(tmp_path / "q", [forged], target=open_writer(deer).target())
    before = history(s3, deer)
    undone = undo(forge(path, deer, [ApplyResult(KEYS[0], old, "deleted", theirs)]))
    assert undone.in_part
    assert history(s3, deer) == before


def test_a_record_of_another_bucket_is_the_wrong_target(deer: str, plan: Path) -> None:
    elsewhere = msgspec.structs.replace(open_writer(deer).target(), bucket="elsewhere")
    with pytest.raises(WrongTarget, match="of the bucket elsewhere"):
        undo(forge(plan, deer, [], target=elsewhere))


@pytest.mark.parametrize("field", ["plan_sha256", "statement_sha256"])
def test_a_plan_that_is_not_the_one_that_the_run_began_with_is_refused(deer: str, plan: Path, field: str) -> None:
    with pytest.raises(PlanCorrupt, match="not the plan that it began with"):
        undo(forge(plan, deer, [], **{field: "0" * 64}))


def test_a_record_under_another_run_s_name_is_not_found(deer: str, plan: Path) -> None:
    with pytest.raises(RunNotFound):
        undo(forge(plan, deer, [], run="20261122T1405Z-ffff"))


def test_a_forged_plan_cannot_touch_run_records(deer: str, tmp_path: Path) -> None:
    decision = Decision(".labelplan/lock", "v", "e", 1, "deer", "delete", "no-evidence")
    path = write_decisions(tmp_path / "p", [decision], target=open_writer(deer).target())
    with pytest.raises(PlanCorrupt, match="a run record"):
        undo(forge(path, deer, []))
