from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labelplan.cli.events import JsonEvents, Pulse, Speed, estimated, labelling
from labelplan.detect.interface import Traffic
from labelplan.flow.observe import Estimate, Labelling

ESTIMATE = Estimate(objects=100, calls=80, cached=20, paid=True, tps=50.0, tps_from="--tps", seconds=1.6)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def state(done: int, total: int = 80, pending: int = 0, throttled: int = 0) -> Labelling:
    return Labelling(done, total, pending, Traffic(calls=done + throttled, throttled=throttled))


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_events_of_a_phase_come_at_most_every_second(printed: Any) -> None:
    clock = Clock()
    events = JsonEvents(None, clock)
    for tenth in range(1, 31):
        clock.now = tenth / 10
        events.listed(tenth)
        events.writing(tenth, 100)
    told = printed()
    assert [event["objects"] for event in told if event["type"] == "listing"] == [10, 20, 30]
    assert {event["type"] for event in told} == {"listing"}  # the pulse is one for all: nothing is told twice a second


def test_what_a_plan_will_take_is_told_at_once_with_price_and_time(printed: Any) -> None:
    JsonEvents(60).estimated(ESTIMATE)
    assert printed() == [{
        "type": "estimated", "objects": 100, "calls": 80, "cached": 20, "max_calls": 60, "usd": 0.08,
        "prices_of": "2026-10-07", "tps": 50.0, "tps_from": "--tps", "seconds": 1.6, "converts": False,
    }]  # fmt: skip


def test_the_time_is_what_the_flow_reckoned_as_the_pace_grows_at_first() -> None:
    slow = replace(ESTIMATE, seconds=97.5, converts=True)
    assert (estimated(slow, None)["seconds"], estimated(slow, None)["converts"]) == (97.5, True)


def test_what_is_free_has_no_price() -> None:
    free = estimated(Estimate(1, 1, 0, paid=False, tps=None, tps_from=""), None)
    assert (free["usd"], free["prices_of"], free["seconds"], free["tps"]) == (None, None, None, None)


def test_labelling_tells_speed_cost_and_time_left(printed: Any) -> None:
    clock = Clock()
    events = JsonEvents(None, clock)
    events.estimated(ESTIMATE)
    events.labelling(state(0))
    clock.now = 4.0
    events.labelling(replace(state(20, pending=2, throttled=3), elsewhere=4))
    assert printed()[1:] == [
        {"type": "labelling", "done": 20, "total": 80, "pending": 2, "elsewhere": 4, "calls": 23, "throttled": 3,
         "rate": 5.0, "tps": 50.0, "usd": 0.023, "seconds_left": 12},
    ]  # fmt: skip


@pytest.mark.parametrize("end", [state(80), state(78, pending=2)])
def test_the_last_state_is_told_once_however_soon_it_comes(end: Labelling, printed: Any) -> None:
    events = JsonEvents(None, Clock())
    for one in (state(40), end, end):
        events.labelling(one)
    assert [event["done"] for event in printed()] == [end.done]


def test_where_nothing_is_to_be_asked_nothing_is_said_of_it(printed: Any) -> None:
    clock = Clock()
    events = JsonEvents(None, clock)
    clock.now = 5.0
    events.labelling(state(0, total=0))
    assert printed() == []


def test_answers_from_an_earlier_plan_and_writing_are_told(printed: Any) -> None:
    clock = Clock()
    events = JsonEvents(None, clock)
    events.took(Path("old.plan.json"), 9_870)
    clock.now = 1.0
    events.writing(3, 7)
    assert printed() == [
        {"type": "took", "plan": "old.plan.json", "answers": 9_870},
        {"type": "writing", "done": 3, "total": 7},
    ]


def test_a_pulse_comes_first_after_its_delay_and_then_in_step() -> None:
    clock = Clock()
    pulse = Pulse(0.1, clock, delay=0.5)
    due = []
    for tenth in range(1, 8):
        clock.now = tenth / 10
        due.append(pulse.due())
    assert due == [False, False, False, False, True, True, True]


def test_speed_is_that_of_the_last_ten_seconds() -> None:
    clock = Clock()
    speed = Speed(clock)
    measured = []
    done = 0
    for second in range(31):
        clock.now = float(second)
        done += 10 if second < 15 else 50
        measured.append(speed.measure(done))
    assert measured[:2] == [None, None]
    assert measured[2] == pytest.approx(10)
    assert measured[30] == pytest.approx(50)


def test_speed_is_measured_anew_when_the_count_begins_again() -> None:
    clock = Clock()
    speed = Speed(clock)
    speed.measure(1000)
    clock.now = 10.0
    assert speed.measure(0) is None
    clock.now = 15.0
    assert speed.measure(10) == pytest.approx(2)


def test_no_speed_gives_no_time_left(printed: Any) -> None:
    clock = Clock()
    events = JsonEvents(None, clock)
    events.labelling(state(0))
    clock.now = 5.0
    events.labelling(state(0))
    (told,) = printed()
    assert (told["rate"], told["seconds_left"]) == (0.0, None)


@pytest.mark.parametrize(
    ("measured", "allowed", "left"),
    [(5.0, 20.0, 3), (20.0, 5.0, 3), (5.0, None, 12), (0.0, 20.0, 3), (0.0, None, None), (None, 20.0, None)],
)
def test_the_time_left_is_reckoned_with_the_pace_that_is_allowed_by_now(
    measured: float | None, allowed: float | None, left: int | None
) -> None:
    assert labelling(Labelling(20, 80, 0, Traffic(rate=allowed)), measured, ESTIMATE)["seconds_left"] == left
