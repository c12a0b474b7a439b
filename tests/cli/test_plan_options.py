"""What `plan` can be told, as its user types it: against a real S3 server and a real cache; the detector is a table."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from labelplan import __version__
from labelplan.cli.plan_job import Job, Limits
from labelplan.detect import convert
from labelplan.detect import open as opening
from labelplan.errors import AnswersPending, MissingExtra
from labelplan.flow import plan as planning
from labelplan.flow.observe import Silent
from labelplan.model.price import cost
from tests.cli.making import KEYS, SPEC
from tests.flow.making import Table, answer, source
from tests.wire import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.model.objects import Image
    from labelplan.model.response import Answer

Say = Any  # types a command: (exit code, stdout, stderr)


def test_an_estimate_pays_nothing_writes_no_plan_and_needs_no_key(
    say: Say, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    table.tps, table.tps_from = 5.0, "no quota known"
    code, out, err = say("plan", "deer.yaml", "--estimate")
    assert (code, err, table.asked) == (0, "", [])
    told = re.sub(r"about \d+ s", "about N s", out)
    assert told.startswith(
        "15 DetectLabels calls, about $0.02, about N s at 5 TPS (no quota known: --tps); 0 answers from the cache\n"
    )
    assert "objects  15 listed" in out
    assert not (tmp_path / "deer.plan.json").exists()


def test_an_estimate_as_json_is_an_event(say: Say) -> None:
    events = [json.loads(line) for line in say("plan", "deer.yaml", "--estimate", "--json")[1].splitlines()]
    assert [event["type"] for event in events] == ["version", "estimated"]
    assert (events[1]["calls"], events[1]["usd"]) == (15, 0.015)


def test_what_is_answered_is_never_asked_again(say: Say, table: Table) -> None:
    say("plan", "deer.yaml")
    asked = list(table.asked)
    assert len(asked) == 15
    assert "0 DetectLabels calls; 15 answers from the cache" in say("plan", "deer.yaml", "--estimate")[1]
    code, _, err = say("plan", "deer.yaml")
    assert (code, err, table.asked) == (0, "0 DetectLabels calls; 15 answers from the cache\n", asked)


def test_estimating_and_planning_send_nothing_that_changes(say: Say, bucket: str) -> None:
    with recorded() as wire:
        say("plan", "deer.yaml", "--estimate")
        say("plan", "deer.yaml", "--sample", "2")
        say("plan", "deer.yaml", "--from", "deer.partial.plan.json")
        say("doctor", "deer.yaml")
    assert {sent.method for sent in wire.sent if sent.bucket == bucket} == {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("budget", "options", "expected"),
    [
        ("", ["--max-calls", "14"], 9),
        ("", ["--max-usd", "0.0149"], 9),
        ("", ["--max-calls", "15", "--max-usd", "0.015"], 0),
        ("", ["--max-calls", "100", "--max-usd", "0"], 9),
        ("budget: {max_calls: 14}\n", ["--max-calls", "1000", "--max-usd", "99"], 9),
        ("budget: {max_usd: 1}\n", ["--max-calls", "14"], 9),
    ],
)
def test_the_smallest_budget_holds(  # noqa: PLR0913 - fixtures and a table of three columns
    say: Say, table: Table, tmp_path: Path, *, budget: str, options: list[str], expected: int
) -> None:
    with (tmp_path / "deer.yaml").open("a") as spec:
        spec.write(budget)
    code, _, err = say("plan", "deer.yaml", *options)
    assert (code, bool(table.asked)) == (expected, expected == 0), err


@pytest.mark.parametrize(
    "options",
    [
        ["--max-usd", "-1"],
        ["--max-usd", "nan"],
        ["--max-usd", "inf"],
        ["--max-usd", "1000001"],
        ["--max-calls", "-1"],
        ["--max-calls", "1.5"],
        ["--max-calls", "1000000001"],
        ["--tps", "0"],
        ["--tps", "-5"],
        ["--tps", "nan"],
        ["--tps", "10001"],
        ["--sample", "0"],
        ["--sample", "-3"],
        ["--rule", "deeer"],
        ["--from", "nowhere.plan.json"],
        ["--from", "deer.yaml"],
    ],
)
def test_an_option_that_makes_no_sense_is_refused_before_anything_is_sent(say: Say, options: list[str]) -> None:
    with recorded() as wire:
        code, _, err = say("plan", "deer.yaml", *options)
    assert (code in {4, 5}, wire.sent) == (True, [])
    assert options[1] in err


def test_what_the_options_and_the_spec_say_reaches_the_detector(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Table
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(opening, "open_detector", lambda settings, **named: given.update(named, of=settings) or table)
    with (tmp_path / "deer.yaml").open("a") as spec:
        spec.write("detector: {tps: 20}\nrequest_payer: requester\nbudget: {max_calls: 99}\n")
    assert say("plan", "deer.yaml", "--tps", "12.5", "--max-usd", "0.05")[0] == 0
    assert (given["tps"], given["of"].tps, given["max_calls"], given["requester_pays"]) == (12.5, 20, 50, True)
    assert say("plan", "deer.yaml")[0] == 0
    assert (given["tps"], given["max_calls"]) == (None, 99)


def test_a_pace_for_the_local_detector_is_refused(say: Say, tmp_path: Path) -> None:
    with (tmp_path / "deer.yaml").open("a") as spec:
        spec.write("detector: {service: local}\n")
    code, _, err = say("plan", "deer.yaml", "--tps", "5")
    assert (code, "the local detector has no quota" in err) == (4, True)


def test_without_pillow_conversion_is_refused_before_anything_is_paid(
    say: Say, tmp_path: Path, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise MissingExtra("no Pillow")

    monkeypatch.setattr(convert, "require_converter", missing)
    with (tmp_path / "deer.yaml").open("a") as spec:
        spec.write("detector: {convert: true}\n")
    for estimate in ([], ["--estimate"]):
        code, _, err = say("plan", "deer.yaml", *estimate)
        assert (code, "no Pillow" in err, table.asked) == (1, True, [])


def test_an_earlier_plan_gives_its_answers(say: Say, tmp_path: Path, table: Table) -> None:
    say("plan", "deer.yaml", "-o", "old.plan.json")
    (tmp_path / "answers.sqlite").rename(tmp_path / "of-a-colleague")
    table.asked.clear()
    code, _, err = say("plan", "deer.yaml", "--from", "old.plan.json")
    assert (code, table.asked) == (0, [])
    assert err == "Took 15 answers from old.plan.json\n0 DetectLabels calls; 15 answers from the cache\n"
    events = [json.loads(one) for one in say("plan", "deer.yaml", "--from", "old.plan.json", "--json")[1].splitlines()]
    assert events[1] == {"type": "took", "plan": "old.plan.json", "answers": 0}


def test_an_earlier_plan_may_have_expired_but_must_be_trusted(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, table: Table
) -> None:
    with monkeypatch.context() as then:
        then.setattr(planning, "EXPIRES_AFTER", dt.timedelta(days=-1))
        say("plan", "deer.yaml", "-o", "old.plan.json")
    assert say("plan", "deer.yaml", "--from", "old.plan.json")[0] == 0
    monkeypatch.delenv("LABELPLAN_TRUST_OWN_KEY")
    asked = len(table.asked)
    code, _, err = say("plan", "deer.yaml", "--from", "old.plan.json")
    assert (code, "Nobody is trusted here" in err) == (5, True)
    assert say("plan", "deer.yaml", "--from", "old.plan.json", "--trust-own-key")[0] == 0
    plan = tmp_path / "old.plan.json"
    plan.write_bytes(plan.read_bytes().replace(b"Deer", b"Dear"))
    assert say("plan", "deer.yaml", "--from", "old.plan.json", "--trust-own-key")[0] == 5
    assert len(table.asked) == asked


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--sample", "2"], "a sample of 2 objects of each prefix"), (["--rule", "deer"], "rule deer")],
)
def test_a_partial_plan_shows_and_never_applies(say: Say, tmp_path: Path, *, options: list[str], words: str) -> None:
    with (tmp_path / "deer.yaml").open("a") as spec:
        spec.write("guards: {max_delete_percent: 100, min_keep: 0}\n")
    say("plan", "deer.yaml")
    whole = (tmp_path / "deer.plan.json").read_bytes()
    code, out, _ = say("plan", "deer.yaml", *options)
    assert code == 0
    assert f"A partial plan ({words}): it shows, and never applies." in out
    assert "labelplan apply" not in out
    assert (tmp_path / "deer.plan.json").read_bytes() == whole
    assert f"partial: {words}" in say("show", "deer.partial.plan.json")[1]
    assert say("apply", "deer.partial.plan.json", "--auto-approve")[0] == 6


def test_rules_may_be_named_one_by_one(say: Say, tmp_path: Path, bucket: str, table: Table) -> None:
    two = SPEC.format(bucket=bucket) + "  elk:\n    prefix: elk/\n    accept: [Elk]\n"
    (tmp_path / "deer.yaml").write_text(two)
    assert say("plan", "deer.yaml", "--rule", "deer")[0] == 0  # elk/ is empty, which only a whole plan minds
    assert set(table.asked) == KEYS
    assert say("plan", "deer.yaml", "--rule", "deer", "--rule", "elk")[0] == 4
    code, _, err = say("plan", "deer.yaml", "--rule", "deeer")
    assert (code, "did you mean 'deer'?" in err) == (4, True)


def test_an_error_is_one_json_object_after_the_events(say: Say) -> None:
    code, out, _ = say("plan", "deer.yaml", "--max-calls", "1", "--json")
    version, error = map(json.loads, out.splitlines())
    assert (code, version["type"], error["type"]) == (9, "version", "error")
    assert (error["error"]["kind"], error["error"]["exit_code"]) == ("BudgetExceeded", 9)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["deer.yaml"], 10),
        (["nowhere.yaml"], 4),
        (["deer.yaml", "--nonsense"], 4),
        (["deer.yaml", "--tps", "0"], 4),
        (["deer.yaml", "--estimate"], 10),
    ],
)
def test_the_version_is_told_first_however_early_it_fails(
    say: Say, tmp_path: Path, bucket: str, *, args: list[str], expected: int
) -> None:
    (tmp_path / "deer.yaml").write_text((tmp_path / "deer.yaml").read_text().replace(bucket, "no-such-bucket-here"))
    code, out, _ = say("plan", *args, "--json")
    version, error = map(json.loads, out.splitlines())
    assert version == {"type": "version", "events": 1, "labelplan": __version__}
    assert (code, error["type"], error["error"]["exit_code"]) == (expected, "error", expected)


def test_help_is_no_stream_of_events(say: Say) -> None:
    assert say("plan", "--json", "--help")[1].startswith("Usage:")


def test_answers_that_stay_pending_end_with_3_and_the_next_run_asks_for_no_other(say: Say, table: Table) -> None:
    late = table.answers["deer/good3.jpg"]
    table.answers["deer/good3.jpg"] = AnswersPending("Too busy.")
    code, _, err = say("plan", "deer.yaml")
    assert (code, "Run the same command again later" in err) == (3, True)
    table.answers["deer/good3.jpg"] = late
    table.asked.clear()
    assert say("plan", "deer.yaml")[0] == 0
    assert table.asked == ["deer/good3.jpg"]


class Interrupting(Table):
    """While it is asked about one image, somebody presses Ctrl-C."""

    def detect(self, image: Image) -> Answer:
        found = super().detect(image)
        if self.asked[-1] == "deer/good3.jpg":
            os.kill(os.getpid(), signal.SIGINT)
        return found


def test_an_interruption_keeps_what_was_answered(
    say: Say, table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    interrupted = Interrupting(table.answers)
    with monkeypatch.context() as then:
        then.setattr(opening, "open_detector", lambda *_, **__: interrupted)
        code, _, err = say("plan", "deer.yaml")
    assert (code, interrupted.stopped) == (130, True)
    assert err.endswith("Interrupted. What was answered is kept; the same command again goes on.\n")
    assert not (tmp_path / "deer.plan.json").exists()
    assert say("plan", "deer.yaml")[0] == 0
    assert sorted([*interrupted.asked, *table.asked]) == sorted(KEYS)


def test_the_events_of_an_interrupted_plan_end_with_what_is_kept(
    say: Say, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "open_detector", lambda *_, **__: Interrupting(table.answers))
    code, out, _ = say("plan", "deer.yaml", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert (code, events[0]["type"]) == (130, "version")
    assert events[-1] == {
        "type": "interrupted",
        "exit_code": 130,
        "message": "Interrupted. What was answered is kept; the same command again goes on.",
    }


def test_the_budget_of_a_spec_is_lowered_but_never_raised() -> None:
    spec = source(budget={"max_calls": 500}).spec
    assert Limits(usd=0.1, calls=200).lowered(spec).max_calls == 100
    assert Limits(usd=10, calls=2000).lowered(spec).max_calls == 500
    assert Limits(usd=float(cost(1_500_000))).lowered(source().spec).max_calls == 1_500_000
    assert Limits().lowered(source().spec).max_calls is None


def test_what_was_opened_for_an_estimate_makes_no_plan(tmp_path: Path) -> None:
    unsigned = dict.fromkeys(("source", "scope", "target", "reader", "detector", "cache", "signer", "signers_sha256"))
    job: Any = Job(**unsigned, earlier=())  # type: ignore[arg-type]  # it fails before it looks at any of them
    with pytest.raises(ValueError, match="needs a signer"):
        job.make(tmp_path / "p.json", Silent())


def test_the_same_content_under_two_keys_is_asked_once(say: Say, s3: Any, bucket: str, table: Table) -> None:
    s3.put_object(Bucket=bucket, Key="deer/again.jpg", Body=b"deer/good1.jpg")
    table.answers["deer/again.jpg"] = answer(Deer=91)
    code, _, err = say("plan", "deer.yaml")
    assert (code, len(table.asked)) == (0, 15)
    assert err.startswith("15 DetectLabels calls,")
