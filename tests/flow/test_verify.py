from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from msgspec import Raw

from labelplan.errors import (
    BadSignature,
    LabelplanError,
    PlanCorrupt,
    PlanExpired,
    TrustError,
    UnexpectedPlan,
    UnknownSigner,
    UsageError,
)
from labelplan.flow.verify import check_answers, verify_plan
from labelplan.planfile import layout
from labelplan.planfile.keys import find_signer, generate_key
from labelplan.planfile.reader import open_plan
from labelplan.planfile.signatures import add_signature
from labelplan.planfile.trust import load_trust
from tests.planfile.making import NOON, decision, header, three, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from labelplan.planfile.keys import Signer
    from labelplan.planfile.trust import Trust


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    path = tmp_path_factory.mktemp("stranger") / "key"
    generate_key(path)
    return find_signer(str(path), {})


@pytest.fixture
def trust(tmp_path: Path, signer: Signer) -> Trust:
    return load_trust(None, {}, tmp_path, lambda: signer.public, allow_own_key=True)


@pytest.fixture
def plan(tmp_path: Path, signer: Signer) -> Path:
    write(tmp_path / "plan", three(), signer)
    return tmp_path / "plan"


def refused(path: Path, trust: Trust, now: dt.datetime = NOON, digest: str | None = None) -> LabelplanError:
    with pytest.raises(LabelplanError) as raised, verify_plan(path, trust, now, digest):
        pass
    return raised.value


def test_a_good_plan_is_open_for_whoever_goes_on_with_it(plan: Path, trust: Trust, signer: Signer) -> None:
    with verify_plan(plan, trust, NOON) as verified:
        assert list(verified.plan.decisions()) == three()
        assert (verified.signers, verified.endorsement.author) == ((signer.keyid,), "you")


def flipped(content: bytes) -> Iterator[bytes]:
    for at, byte in enumerate(content):
        yield content[:at] + bytes([byte ^ 1 << at % 8]) + content[at + 1 :]


def deleted(content: bytes) -> Iterator[bytes]:
    for at in range(len(content)):
        yield content[:at] + content[at + 1 :]


def inserted(content: bytes) -> Iterator[bytes]:
    for at in range(len(content) + 1):
        yield content[:at] + (b" " if at % 2 else content[at - 1 : at] or b"\n") + content[at:]


@pytest.mark.parametrize("change", [flipped, deleted, inserted])
def test_whatever_byte_of_a_plan_is_changed_it_is_refused(
    plan: Path, trust: Trust, stranger: Signer, change: Callable[[bytes], Iterator[bytes]]
) -> None:
    with open_plan(plan) as opened:
        add_signature(opened, stranger)  # bytes of a signature that nobody trusts count as well
    content = plan.read_bytes()
    with verify_plan(plan, trust, NOON):
        pass
    for changed in change(content):
        plan.write_bytes(changed)
        error = refused(plan, trust)
        assert isinstance(error, PlanCorrupt | BadSignature | UnknownSigner)
        assert error.exit_code == TrustError.exit_code == 5


def test_a_statement_that_was_exchanged_with_its_body_needs_a_signature_of_its_own(
    tmp_path: Path, plan: Path, trust: Trust, signer: Signer
) -> None:
    write(tmp_path / "other", three()[:2], signer)
    with open_plan(plan) as one, open_plan(tmp_path / "other") as other:
        tail = layout.tail(other.statement_bytes, one.signatures)
        body = other.statement.predicate.bytes
    plan.write_bytes((tmp_path / "other").read_bytes()[:body] + tail)
    assert isinstance(refused(plan, trust), BadSignature)


def test_a_plan_by_somebody_else_is_refused(tmp_path: Path, trust: Trust, stranger: Signer) -> None:
    write(tmp_path / "plan", three(), stranger)
    assert isinstance(refused(tmp_path / "plan", trust), UnknownSigner)


def test_a_plan_is_good_until_the_instant_it_names(plan: Path, trust: Trust) -> None:
    expires = header().expires
    with verify_plan(plan, trust, expires - dt.timedelta(seconds=1)):
        pass
    error = refused(plan, trust, now=expires)
    assert isinstance(error, PlanExpired)
    assert (error.exit_code, error.what) == (6, "The plan expired at 2026-11-29T12:00:00+00:00.")


def test_who_goes_on_with_a_run_may_open_an_expired_plan(plan: Path, trust: Trust) -> None:
    with verify_plan(plan, trust, dt.datetime.max.replace(tzinfo=dt.UTC), allow_expired=True) as verified:
        assert verified.endorsement.author


def test_who_signed_is_settled_before_when_it_expires(tmp_path: Path, trust: Trust, stranger: Signer) -> None:
    write(tmp_path / "plan", three(), stranger)
    assert isinstance(refused(tmp_path / "plan", trust, now=NOON + dt.timedelta(days=99)), UnknownSigner)


def test_the_expected_digest_names_exactly_one_plan(tmp_path: Path, plan: Path, trust: Trust, signer: Signer) -> None:
    with open_plan(plan) as opened:
        digest = opened.statement_sha256
    for spelling in (digest, f"sha256:{digest}", digest.upper()):
        with verify_plan(plan, trust, NOON, spelling):
            pass
    write(tmp_path / "other", three()[:1], signer)
    error = refused(tmp_path / "other", trust, digest=digest)
    assert isinstance(error, UnexpectedPlan)
    assert error.exit_code == 5


@pytest.mark.parametrize("digest", ["", "sha256:", "abc", "sha512:" + "0" * 64, "0" * 63])
def test_what_is_no_digest_is_a_usage_error(plan: Path, trust: Trust, digest: str) -> None:
    assert isinstance(refused(plan, trust, digest=digest), UsageError)


@pytest.mark.parametrize(
    "answer", [b'{"Labels":[],"Labels":[]}', b'{"Labels":[],"x":{"y":1,"y":2}}', b'{"Labels":1}', b"[]", b"1", b"null"]
)
def test_only_a_deep_check_sees_an_answer_that_two_parsers_read_differently(
    tmp_path: Path, trust: Trust, signer: Signer, answer: bytes
) -> None:
    write(tmp_path / "plan", [decision("a"), decision("b", response=Raw(answer))], signer)
    with verify_plan(tmp_path / "plan", trust, NOON) as verified, pytest.raises(PlanCorrupt, match="answer for 'b'"):
        check_answers(verified.plan)


def test_a_deep_check_looks_at_the_references_too(tmp_path: Path, trust: Trust, signer: Signer) -> None:
    rules = header().rules
    reference = type(rules[0].references[0])("etag:1", key="k", response=Raw(b'{"Labels":[{}]}'))
    bad = type(rules[0])(rules[0].name, rules[0].accepted, (reference,))
    write(tmp_path / "plan", three(), signer, rules=(bad, *rules[1:]))
    with verify_plan(tmp_path / "plan", trust, NOON) as verified, pytest.raises(PlanCorrupt, match="rule 'cow'"):
        check_answers(verified.plan)


def test_a_deep_check_passes_what_the_detector_answers(plan: Path, trust: Trust) -> None:
    with verify_plan(plan, trust, NOON) as verified:
        check_answers(verified.plan)
