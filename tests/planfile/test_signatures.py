from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.errors import BadSignature, KeyUnusable, PlanCorrupt, UsageError
from labelplan.planfile import layout
from labelplan.planfile.reader import MAX_SIGNATURES, open_plan
from labelplan.planfile.signatures import add_signature, valid_signers
from tests.planfile.making import three, write
from tests.planfile.test_writer import Locked

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.planfile.keys import Signer


@pytest.fixture
def plan(tmp_path: Path, alice: Signer) -> Path:
    write(tmp_path / "plan", three(), alice)
    return tmp_path / "plan"


def test_an_approval_is_added_below_and_changes_nothing_above(plan: Path, alice: Signer, bob: Signer) -> None:
    before = plan.read_bytes()
    with open_plan(plan) as opened:
        assert add_signature(opened, bob) == plan
        body = opened.statement.predicate.bytes
    with open_plan(plan) as opened:
        assert valid_signers(opened) == (alice.keyid, bob.keyid)
        assert list(opened.decisions()) == three()
    assert plan.read_bytes()[:body] == before[:body]
    assert [path.name for path in plan.parent.iterdir()] == ["plan"]


def test_the_same_key_does_not_sign_twice(plan: Path, alice: Signer) -> None:
    before = plan.read_bytes()
    with open_plan(plan) as opened, pytest.raises(UsageError, match="already"):
        add_signature(opened, alice)
    assert plan.read_bytes() == before


@pytest.fixture
def unsigned(tmp_path: Path, alice: Signer) -> Path:
    with pytest.raises(KeyUnusable):
        write(tmp_path / "plan", three(), Locked(alice.keyid))
    return tmp_path / "plan.unsigned"


def test_only_its_author_finishes_an_unsigned_plan(unsigned: Path, bob: Signer) -> None:
    with open_plan(unsigned) as opened, pytest.raises(KeyUnusable, match="nobody else can sign it first"):
        add_signature(opened, bob)
    assert [path.name for path in unsigned.parent.iterdir()] == ["plan.unsigned"]


def test_a_plan_whose_authors_signature_was_taken_away_is_not_approved(plan: Path, bob: Signer) -> None:
    with open_plan(plan) as opened:
        stripped = layout.tail(opened.statement_bytes, [bob.sign(layout.signed_message(opened.statement_bytes))])
        body = opened.statement.predicate.bytes
    plan.write_bytes(plan.read_bytes()[:body] + stripped)
    carol = Locked("SHA256:carol")
    with open_plan(plan) as opened, pytest.raises(BadSignature, match="first signature is not by that key"):
        add_signature(opened, carol)


@pytest.mark.parametrize("there", ["file", "dangling link"])
def test_finishing_an_unsigned_plan_replaces_nothing(unsigned: Path, alice: Signer, there: str) -> None:
    path = unsigned.with_name("plan")
    path.write_bytes(b"precious") if there == "file" else path.symlink_to("nowhere")
    with open_plan(unsigned) as opened, pytest.raises(UsageError, match="something at"):
        add_signature(opened, alice)
    assert unsigned.exists()
    assert (path.is_symlink() or path.read_bytes()) in {True, b"precious"}


@pytest.mark.usefixtures("unsigned")
def test_a_plan_that_was_left_unsigned_is_finished_under_its_own_name(tmp_path: Path, alice: Signer) -> None:
    with open_plan(tmp_path / "plan.unsigned") as opened:
        assert add_signature(opened, alice) == tmp_path / "plan"
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]
    finished = (tmp_path / "plan").read_bytes()
    write(tmp_path / "plan", three(), alice)
    assert (tmp_path / "plan").read_bytes() == finished


def test_a_signed_plan_keeps_a_name_that_ends_with_unsigned(plan: Path, bob: Signer) -> None:
    odd = plan.rename(plan.with_name("odd.unsigned"))
    with open_plan(odd) as opened:
        assert add_signature(opened, bob) == odd
    assert odd.exists()


def test_if_signing_fails_the_plan_stays_as_it_was(plan: Path) -> None:
    before = plan.read_bytes()
    with open_plan(plan) as opened, pytest.raises(KeyUnusable):
        add_signature(opened, Locked())
    assert [path.read_bytes() for path in plan.parent.iterdir()] == [before]


def test_nobody_signs_under_a_signature_that_is_not_valid(plan: Path, bob: Signer) -> None:
    with open_plan(plan) as opened:
        bad = layout.tail(opened.statement_bytes, [bob.sign(b"something else")])
        body = opened.statement.predicate.bytes
    plan.write_bytes(plan.read_bytes()[:body] + bad)
    with open_plan(plan) as opened, pytest.raises(BadSignature):
        add_signature(opened, bob)


@pytest.mark.parametrize("length", [100, None])
def test_a_plan_that_changes_meanwhile_is_not_signed(plan: Path, bob: Signer, length: int | None) -> None:
    with open_plan(plan) as opened:
        content = plan.read_bytes()
        with plan.open("r+b") as file:
            file.write(content[:length].replace(b'"delete"', b'"DELETE"'))
            file.truncate()
        with pytest.raises(PlanCorrupt, match="changed after it was checked"):
            add_signature(opened, bob)
    assert [path.name for path in plan.parent.iterdir()] == ["plan"]


def test_more_signatures_than_can_be_read_are_not_written(plan: Path, bob: Signer) -> None:
    with open_plan(plan) as opened:
        full = layout.tail(opened.statement_bytes, opened.signatures * MAX_SIGNATURES)
        body = opened.statement.predicate.bytes
    plan.write_bytes(plan.read_bytes()[:body] + full)
    with open_plan(plan) as opened, pytest.raises(UsageError, match="64 signatures"):
        add_signature(opened, bob)
