"""What a plan costs, as its user would find on the bill: real processes, a simulated Rekognition with a ledger."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.paying import Planner, fill, make_planner
from tests.simulators.rekognition.running import Simulator, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

OBJECTS, CONTENTS = 60, 50


@pytest.fixture
def rekognition(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    with running(tps=100, latency=0.05) as simulator:
        yield simulator


@pytest.fixture
def planner(rekognition: Simulator, s3: S3Client, s3_endpoint: str, bucket: str, tmp_path: Path) -> Planner:
    fill(s3, bucket, OBJECTS, CONTENTS)
    return make_planner(tmp_path, bucket, s3_endpoint, rekognition.url)


def test_each_content_is_paid_once_and_a_second_plan_costs_nothing(planner: Planner, rekognition: Simulator) -> None:
    code, _, err = planner.run()
    assert (code, "50 DetectLabels calls, about $0.05" in err) == (0, True), err
    assert rekognition.totals()["billed"] == CONTENTS
    code, _, err = planner.run("-o", "again.plan.json")
    assert (code, "0 DetectLabels calls" in err) == (0, True), err
    assert rekognition.totals()["attempts"] == CONTENTS


def test_another_threshold_above_min_confidence_costs_nothing(planner: Planner, rekognition: Simulator) -> None:
    planner.run()
    spec = (planner.folder / "deer.yaml").read_text()
    for threshold in (51, 70, 99):
        (planner.folder / "deer.yaml").write_text(f"threshold: {threshold}\n{spec}")
        assert planner.run("--max-calls", "0")[0] in {0, 4}  # 4: no reference has a label above it
    assert rekognition.totals()["attempts"] == CONTENTS


def test_a_plan_that_is_killed_again_and_again_pays_only_for_what_was_under_way(
    planner: Planner, rekognition: Simulator
) -> None:
    luck, under_way = random.Random(7), 0  # noqa: S311 - only when to kill
    for _ in range(4):
        process = planner.start("--tps", "60")
        began = rekognition.totals()["attempts"]
        _wait_for(lambda: rekognition.totals()["attempts"] > began or process.poll() is not None)  # noqa: B023 - called now
        time.sleep(luck.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        under_way += rekognition.totals()["in_flight"] + 1  # the reply that was not read yet
        process.communicate()
    code, _, err = planner.run()
    assert code == 0, err
    assert CONTENTS <= rekognition.totals()["billed"] <= CONTENTS + under_way


def _wait_for(condition: object, seconds: float = 30) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_interrupt_keeps_what_was_answered(planner: Planner, rekognition: Simulator) -> None:
    process = planner.start("--tps", "20")
    _wait_for(lambda: rekognition.totals()["billed"] >= 5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    billed = rekognition.totals()["billed"]
    assert billed < CONTENTS
    assert planner.run()[0] == 0
    assert rekognition.totals()["billed"] == CONTENTS
    assert rekognition.totals()["attempts"] == CONTENTS


def test_two_plans_at_once_pay_once(planner: Planner, rekognition: Simulator) -> None:
    both = [planner.start("-o", f"{n}.plan.json") for n in (1, 2)]
    ends = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert rekognition.totals()["billed"] == CONTENTS
    decisions = [json.loads((planner.folder / f"{n}.plan.json").read_text())["decisions"] for n in (1, 2)]
    assert decisions[0] == decisions[1]


def test_a_budget_is_never_exceeded_by_one_attempt_however_much_fails(planner: Planner, rekognition: Simulator) -> None:
    rekognition.control(error_rate=0.3)
    code, _, err = planner.run("--max-calls", str(CONTENTS), "--tps", "100")
    assert code == 9, err
    totals = rekognition.totals()
    assert totals["attempts"] - totals["throttled"] == CONTENTS
    rekognition.control(error_rate=0)
    assert planner.run()[0] == 0
    assert rekognition.totals()["billed"] == CONTENTS


def test_a_plan_that_costs_more_than_its_budget_does_not_begin(planner: Planner, rekognition: Simulator) -> None:
    code, _, err = planner.run("--max-usd", "0.049")
    assert (code, "needs 50 DetectLabels calls, the budget is 49" in err) == (9, True), err
    assert rekognition.totals()["attempts"] == 0


def test_a_colleague_plans_from_the_plan_without_paying(planner: Planner, rekognition: Simulator) -> None:
    planner.run("-o", "old.plan.json")
    mine = Planner(planner.folder, planner.environment | {"LABELPLAN_CACHE": str(planner.folder / "mine.sqlite")})
    code, _, err = mine.run("--from", "old.plan.json", "-o", "new.plan.json", "--max-calls", "0")
    assert (code, "from old.plan.json" in err) == (0, True), err
    assert rekognition.totals()["attempts"] == CONTENTS


def test_errors_resets_and_throttles_lose_nothing(planner: Planner, rekognition: Simulator) -> None:
    rekognition.control(error_rate=0.05, reset_rate=0.05, tps=8, depth=0.2)
    code, _, err = planner.run("--tps", "100")
    assert code == 0, err
    decisions = json.loads((planner.folder / "deer.plan.json").read_text())["decisions"]
    assert len(decisions) == OBJECTS
    assert not [one for one in decisions if "error" in one]
    assert rekognition.totals()["throttled"] > 0


def test_a_service_that_stays_busy_leaves_the_rest_pending_and_writes_no_plan(
    planner: Planner, rekognition: Simulator
) -> None:
    rekognition.control(error_rate=1)
    code, _, err = planner.run("--tps", "100")
    assert code == 3, err
    assert not (planner.folder / "deer.plan.json").exists()
    rekognition.control(error_rate=0)
    assert planner.run()[0] == 0


def test_an_estimate_costs_nothing(planner: Planner, rekognition: Simulator) -> None:
    with planner.start("--estimate") as process:
        out, _ = process.communicate()
    assert (process.returncode, "50 DetectLabels calls, about $0.05" in out) == (0, True)
    assert rekognition.totals()["attempts"] == 0
    assert isinstance(process, subprocess.Popen)
