from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from labelplan.view.estimate_text import duration, estimate_line, estimate_lines, labelling_line

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ESTIMATE: dict[str, Any] = {
    "objects": 22_267, "calls": 12_400, "cached": 9_870, "max_calls": None, "usd": 12.4, "prices_of": "2026-10-07",
    "tps": 50.0, "tps_from": "Service Quotas", "seconds": 248.0,
    "converts": False,
}  # fmt: skip
LOCAL = ESTIMATE | {"usd": None, "prices_of": None, "tps": None, "tps_from": "", "seconds": None}
GUESSED = ESTIMATE | {"tps": 5.0, "tps_from": "no quota known", "seconds": 2480.0}


def test_the_line_before_the_first_paid_call_is_the_promised_one() -> None:
    assert estimate_line(ESTIMATE) == (
        "12,400 DetectLabels calls, about $12.40, about 4 min at 50 TPS; 9,870 answers from the cache"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"calls": 1, "usd": 0.001, "seconds": 0.02}, "1 DetectLabels call, about $0.01, about 1 s at 50 TPS;"),
        ({"calls": 15, "usd": 0.015}, "15 DetectLabels calls, about $0.02, about"),
        ({"calls": 0, "usd": 0.0, "seconds": 0.0, "cached": 1}, "0 DetectLabels calls; 1 answer from the cache"),
        (
            {"calls": 45_000_000, "usd": 28_200.0, "seconds": 9e5},
            "45,000,000 DetectLabels calls, about $28,200.00, about",
        ),
    ],
)
def test_few_calls_none_and_very_many_read_well(changes: dict[str, Any], said: str) -> None:
    assert estimate_line(ESTIMATE | changes).startswith(said)


def test_what_costs_nothing_has_neither_dollars_nor_a_guess_of_time() -> None:
    assert estimate_line(LOCAL) == "12,400 DetectLabels calls, free of charge; 9,870 answers from the cache"


def test_conversion_is_said_to_take_second_calls_if_there_are_any() -> None:
    said = estimate_line(ESTIMATE | {"converts": True})
    assert said.endswith("9,870 answers from the cache; an image that has to be converted takes a second call")
    assert estimate_line(ESTIMATE | {"converts": True, "calls": 0}).endswith("from the cache")


def test_a_quota_that_nobody_knows_is_said_to_be_a_guess() -> None:
    assert "about 41 min at 5 TPS (no quota known: --tps); 9,870" in estimate_line(GUESSED)


@pytest.mark.parametrize(
    "event",
    [ESTIMATE, LOCAL | {"max_calls": 1}, GUESSED | {"max_calls": 12_399}, ESTIMATE | {"max_calls": 50_000}],
    ids=["paid", "local", "guessed, and the budget is too small", "within the budget"],
)
def test_an_estimate_reads_like_this(event: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    assert "\n".join(estimate_lines(event)) == snapshot


def test_progress_tells_speed_against_the_quota_throttles_cost_and_time_left() -> None:
    event = {
        "done": 1_240, "total": 22_267, "pending": 0, "elsewhere": 0, "throttled": 3, "rate": 47.9, "tps": 50.0,
        "usd": 1.243, "seconds_left": 438,
    }  # fmt: skip
    assert labelling_line(event) == (
        "Labelling: 1,240 of 22,267, 47.9/s of 50, 3 throttled, $1.24 so far, about 7 min left"
    )
    assert "5 put off, $" in labelling_line(event | {"pending": 5})
    assert "3 throttled, 7 being asked by another labelplan, $" in labelling_line(event | {"elsewhere": 7})
    early = dict.fromkeys(("rate", "tps", "usd", "seconds_left"))
    assert labelling_line(event | early | {"throttled": 0}) == "Labelling: 1,240 of 22,267"
    assert labelling_line(event | {"tps": None}).startswith("Labelling: 1,240 of 22,267, 47.9/s, 3")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.001, "1 s"),
        (1.2, "2 s"),
        (90, "90 s"),
        (91, "2 min"),
        (5400, "90 min"),
        (5460, "1.5 h"),
        (172_800, "48.0 h"),
        (2e5, "2.3 days"),
    ],
)
def test_a_length_of_time_has_the_unit_that_suits_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said
