from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import UNSET, Raw
from msgspec.structs import replace

from labelplan.errors import GuardTripped, PlanCorrupt
from labelplan.flow.recheck import check_guards, replay
from labelplan.planfile.reader import open_plan
from tests.flow.making import Bucket, Table, answer, run_plan, source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labelplan.planfile.keys import Signer
    from labelplan.planfile.reader import PlanFile

REFERENCES = {f"deer/r{n}.jpg": answer(Deer=99) for n in (1, 2, 3)}
GOOD = {f"deer/g{n:02}.jpg": answer(Deer=95) for n in range(6)}
BAD = {f"deer/b{n:02}.jpg": answer(Car=95) for n in range(4)}


@pytest.fixture
def plan(tmp_path: Path, signer: Signer) -> Iterator[PlanFile]:
    bucket = Bucket(*REFERENCES, *GOOD, *BAD, empty=("deer/0.txt",))
    run_plan(tmp_path / "p", signer, source(), bucket, Table({**REFERENCES, **GOOD, **BAD}))
    with open_plan(tmp_path / "p") as opened:
        yield opened


def test_a_plan_follows_from_itself(plan: PlanFile) -> None:
    assert replay(plan.header, plan.decisions()) == 14


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("deer/g00.jpg", {"action": "delete", "reason": "no-evidence", "labels": ()}),
        ("deer/g00.jpg", {"labels": ("Elk",)}),
        ("deer/g00.jpg", {"response": UNSET}),
        ("deer/b00.jpg", {"action": "keep", "reason": "evidence"}),
        ("deer/g00.jpg", {"key": "fish/g00.jpg"}),
        ("deer/g00.jpg", {"response": Raw(answer(Car=99).raw)}),  # type: ignore[union-attr]  # it is an answer
    ],
    ids=["a keep made a delete", "other evidence", "no answer", "a delete made a keep", "elsewhere", "another answer"],
)
def test_a_decision_that_does_not_follow_is_found(plan: PlanFile, key: str, changes: dict[str, Any]) -> None:
    changed = (replace(d, **changes) if d.key == key else d for d in plan.decisions())
    with pytest.raises(PlanCorrupt, match=changes.get("key", key)):
        replay(plan.header, changed)


def test_accepted_labels_that_do_not_follow_are_found(plan: PlanFile) -> None:
    rule = replace(plan.header.rules[0], accepted=())
    with pytest.raises(PlanCorrupt, match="accepted labels do not follow"):
        replay(replace(plan.header, rules=(rule,)), plan.decisions())


def test_a_spec_in_a_plan_that_is_none_is_found(plan: PlanFile) -> None:
    with pytest.raises(PlanCorrupt, match="spec in the plan cannot be read"):
        check_guards(replace(plan.header, spec=Raw(b"[]")), plan.counts)


def test_a_spec_nested_too_deep_is_found(plan: PlanFile) -> None:
    with pytest.raises(PlanCorrupt, match="spec in the plan cannot be read"):
        check_guards(replace(plan.header, spec=Raw(b"[" * 100_000 + b"]" * 100_000)), plan.counts)


def test_a_rule_without_a_spec_would_have_no_guards_and_is_refused(plan: PlanFile) -> None:
    (rule,) = plan.header.rules
    for rules in ((), (rule, replace(rule, name="x")), (replace(rule, name="x"),)):
        odd = replace(plan.header, rules=rules)
        with pytest.raises(PlanCorrupt, match="label rules are not those of the spec"):
            check_guards(odd, {"x": plan.counts["deer"]})
        with pytest.raises(PlanCorrupt, match="label rules are not those of the spec"):
            replay(odd, (replace(d, rule="x") for d in plan.decisions()))


@pytest.mark.parametrize("answer", [b"1", b"null", b'{"Labels":[],"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
def test_an_answer_that_is_none_is_found(plan: PlanFile, answer: bytes) -> None:
    bad = (replace(d, response=Raw(answer)) if d.key == "deer/g00.jpg" else d for d in plan.decisions())
    with pytest.raises(PlanCorrupt, match=r"'deer/g00\.jpg': its answer in the plan cannot be read"):
        replay(plan.header, bad)
    (rule,) = plan.header.rules
    references = (replace(rule.references[0], response=Raw(answer)), *rule.references[1:])
    with pytest.raises(PlanCorrupt, match="rule 'deer': its answer in the plan cannot be read"):
        replay(replace(plan.header, rules=(replace(rule, references=references),)), plan.decisions())


def test_guards_refuse_with_counts_percent_and_the_line_that_overrides_them(plan: PlanFile) -> None:
    with pytest.raises(GuardTripped) as caught:
        check_guards(plan.header, plan.counts)
    assert caught.value.what == (
        "The plan would delete more than its guards allow:\n"
        "  deer: would delete 4 of 10 judged objects (40.0 %), more than the guard's 30 %\n"
        "    to allow it, write under labels.deer:  guards: {max_delete_percent: 41}"
    )


def test_the_only_override_of_a_guard_is_the_spec(plan: PlanFile) -> None:
    data = json.loads(bytes(plan.header.spec)) | {"guards": {"max_delete_percent": 41}}
    check_guards(replace(plan.header, spec=Raw(json.dumps(data).encode())), plan.counts)
