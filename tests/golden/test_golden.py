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

    from labelplan.planfile.trust import Trust

PLAN = FOLDER / "every-reason.plan.json"
NOW = EXPIRES - timedelta(days=1)
FROZEN = {
    "alice.key": "85d1e7ffea5e4c4d2da42b924803d4695d98e9d11abbea47564c3132559ae860",
    "bob.key": "5217128adeb3bde0d3b3f9253175c8e6fa242010af6f0cacc84efb6e549b9add",
    "every-reason.plan.json": "fffc4e0cc3fad1a227062261dd400e011658e72128f002aa576891279f914dd9",
    "signers.yaml": "db9891aaed979d2ee5e4a8cd55b197dd7cf780db67ebf14cf654247cffc1a469",
}


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
        alice = find_signer(str(FOLDER / "alice.key"), {})
        writer.finish(golden.summary, alice, golden.statement.predicate.signers_sha256)
    with open_plan(again) as plan:
        add_signature(plan, find_signer(str(FOLDER / "bob.key"), {}))
    assert again.read_bytes() == PLAN.read_bytes()
