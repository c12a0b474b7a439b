"""Plans of every released format are read for ever, byte for byte as they were written."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from labelplan.flow.verify import check_answers, verify_plan
from labelplan.planfile.counts import POSSIBLE
from labelplan.planfile.keys import find_signer
from labelplan.planfile.reader import open_plan
from labelplan.planfile.signatures import add_signature
from labelplan.planfile.trust import load_trust
from labelplan.planfile.writer import PlanWriter
from tests.golden.generate import EXPIRES, FOLDER, decisions, header, summary

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.planfile.keys import Signer
    from labelplan.planfile.trust import Trust

PLAN = FOLDER / "every-reason.plan.json"
NOW = EXPIRES - timedelta(days=1)
FROZEN = {
    "alice.key": "5cb877d39e06bcc1c32404b93e89707c4edd9b2e2a2d460ae352f2048433aae4",
    "bob.key": "9091fcb55089202b1f74e4c8be8702509802984202b6392d47d8655e71a7073c",
    "every-reason.plan.json": "9a79e9ed31596937e9167217b4071624b7d652a954476f67d06f17a05388be75",
    "signers.yaml": "26adf931c090e5696f87ee46bda634c747781684cca384793fb463c468fea54c",
}


def key(name: str, folder: Path) -> Signer:
    path = folder / name
    path.write_bytes((FOLDER / name).read_bytes())
    path.chmod(0o600)  # git does not keep that
    return find_signer(str(path), {})


def trust() -> Trust:
    return load_trust(FOLDER / "signers.yaml", {}, FOLDER, lambda: b"", allow_own_key=False)


def test_golden_files_are_never_made_anew() -> None:
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir()} == FROZEN


def test_the_golden_plan_is_verified_for_ever() -> None:
    with verify_plan(PLAN, trust(), NOW) as verified:
        check_answers(verified.plan)
        assert (verified.endorsement.author, verified.endorsement.approvers) == ("alice", ("bob",))


def test_the_golden_plan_says_what_it_said() -> None:
    with open_plan(PLAN) as plan:
        assert (plan.header, plan.summary, list(plan.decisions())) == (header(), summary(), decisions())


def test_the_golden_plan_has_every_reason() -> None:
    assert {(decision.action, decision.reason) for decision in decisions()} == POSSIBLE


def test_the_same_plan_written_again_has_the_same_bytes(tmp_path: Path) -> None:
    again = tmp_path / "again"
    with open_plan(PLAN) as golden, PlanWriter(again, golden.header) as writer:
        for decision in golden.decisions():
            writer.add(decision)
        alice = key("alice.key", tmp_path)
        writer.finish(golden.summary, alice, golden.statement.predicate.signers_sha256)
    with open_plan(again) as plan:
        add_signature(plan, key("bob.key", tmp_path))
    assert again.read_bytes() == PLAN.read_bytes()
