from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from labelplan.errors import UnknownSigner, UsageError
from labelplan.planfile.sshwire import fingerprint, public_line
from labelplan.planfile.trust import authorize, load_trust, signers_digest
from labelplan.planfile.writer import _statement
from tests.planfile.making import NOON, header

if TYPE_CHECKING:
    from collections.abc import Callable

    from labelplan.model.plan import Predicate
    from labelplan.planfile.keys import Signer
    from labelplan.planfile.trust import Endorsement, Trust

    Write = Callable[[str], Path]


def predicate(author: str, signers_sha256: str | None = None, bucket: str = "wildlife-training") -> Predicate:
    target = msgspec.structs.replace(header().target, bucket=bucket)
    return _statement(header(target=target), None, None, 0, signers_sha256, author).predicate  # type: ignore[arg-type]  # unread


def no_key() -> bytes:
    raise AssertionError("one's own key must not be asked for")


def load(path: Path | None, cwd: Path, environ: dict[str, str] | None = None) -> Trust:
    return load_trust(path, environ or {}, cwd, no_key, allow_own_key=True)


@pytest.fixture
def file(tmp_path: Path, alice: Signer, bob: Signer) -> Write:
    """Write a signers file; ALICE and BOB stand for their keys."""

    def write(text: str) -> Path:
        text = text.replace("ALICE", public_line(alice.public)).replace("BOB", public_line(bob.public))
        (tmp_path / "signers.yaml").write_text(text)
        return tmp_path / "signers.yaml"

    return write


BOTH = """
people:
  alice: {keys: ["ALICE a@work"], roles: [plan], buckets: ["wildlife-*"]}
  bob: {keys: ["BOB"], roles: [plan, approve]}
"""


def endorsed(path: Path, *keyids: str, bucket: str = "wildlife-training", now: dt.datetime = NOON) -> Endorsement:
    return authorize(load(path, path.parent), predicate([*keyids, ""][0], bucket=bucket), keyids, now)


def objection(path: Path, *keyids: str, **where: Any) -> str:
    with pytest.raises(UnknownSigner) as raised:
        endorsed(path, *keyids, **where)
    return raised.value.what


# --- where trust comes from -----------------------------------------------------------------------------------------


def test_the_signers_file_is_looked_for_in_order(tmp_path: Path, file: Write) -> None:
    text = file(BOTH).read_bytes()
    named, by_variable = tmp_path / "named", tmp_path / "variable"
    here = tmp_path / ".labelplan" / "signers.yaml"
    here.parent.mkdir()
    for path in (named, by_variable, here):
        path.write_bytes(text + f"# {path}".encode())
    variable = {"LABELPLAN_SIGNERS": str(by_variable)}
    assert load(named, tmp_path / "elsewhere", variable).source == f"signers file {named}"
    assert load(None, tmp_path, variable).source == "signers file variable"
    assert load(None, tmp_path).source == "signers file .labelplan/signers.yaml"
    digests = [signers_digest(named, variable, tmp_path), signers_digest(None, {}, tmp_path)]
    assert digests == [hashlib.sha256(path.read_bytes()).hexdigest() for path in (named, here)]


def test_a_signers_file_that_was_named_and_is_not_there_is_an_error_and_never_weaker_trust(tmp_path: Path) -> None:
    for named, environ in ((tmp_path / "gone", {}), (None, {"LABELPLAN_SIGNERS": "gone"})):
        with pytest.raises(UsageError, match="No such file"):
            load(named, tmp_path, environ)
        with pytest.raises(UsageError, match="No such file"):
            signers_digest(named, environ, tmp_path)


def test_a_signers_file_that_cannot_be_looked_at_is_an_error_and_never_weaker_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", denied)
    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(UsageError, match="Permission denied"):
        load(None, tmp_path)


def test_a_dangling_link_in_the_place_of_the_signers_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".labelplan").mkdir()
    (tmp_path / ".labelplan" / "signers.yaml").symlink_to("gone")
    with pytest.raises(UsageError, match="No such file"):
        load(None, tmp_path)


def test_without_a_signers_file_ones_own_key_counts_and_no_other(tmp_path: Path, alice: Signer, bob: Signer) -> None:
    trust = load_trust(None, {}, tmp_path, lambda: alice.public, allow_own_key=True)
    assert signers_digest(None, {}, tmp_path) is None
    assert authorize(trust, predicate(alice.keyid), [alice.keyid, bob.keyid], NOON).author == "you"
    with pytest.raises(UnknownSigner, match="nobody who is trusted here has this key"):
        authorize(trust, predicate(bob.keyid), [bob.keyid, alice.keyid], NOON)


def test_ones_own_key_is_not_enough_when_the_planner_saw_a_signers_file(tmp_path: Path, alice: Signer) -> None:
    trust = load_trust(None, {}, tmp_path, lambda: alice.public, allow_own_key=True)
    with pytest.raises(UnknownSigner, match="A signers file governed where this plan was made"):
        authorize(trust, predicate(alice.keyid, "5" * 64), [alice.keyid], NOON)


def test_ones_own_key_is_not_enough_where_nobody_said_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownSigner, match="Nobody is trusted here") as raised:
        load_trust(None, {}, tmp_path, no_key, allow_own_key=False)
    assert "--trust-own-key" in raised.value.advice


# --- who may sign -----------------------------------------------------------------------------------------------------


def test_the_first_signature_is_the_authors(file: Write, alice: Signer, bob: Signer) -> None:
    made = endorsed(file(BOTH), alice.keyid, bob.keyid)
    assert (made.author, made.approvers) == ("alice", ("bob",))


def test_unknown_keys_after_the_author_are_passed_over_and_named(file: Write, alice: Signer) -> None:
    made = endorsed(file(BOTH), alice.keyid, "SHA256:mallory")
    assert made.approvers == ()
    assert made.others == {"SHA256:mallory": "nobody who is trusted here has this key"}


def test_the_first_signature_and_no_other_is_by_the_author_whom_the_statement_names(
    file: Write, alice: Signer, bob: Signer
) -> None:
    trust = load(file(BOTH), Path())
    for keyids in ([bob.keyid], [bob.keyid, alice.keyid], [alice.keyid, bob.keyid, alice.keyid]):
        with pytest.raises(UnknownSigner, match="signatures were taken away, moved or added"):
            authorize(trust, predicate(alice.keyid), keyids, NOON)


def test_a_revoked_author_stays_the_author_when_that_signature_is_taken_away(
    file: Write, alice: Signer, bob: Signer
) -> None:
    trust = load(file(BOTH + f'revoked: ["{alice.keyid}"]'), Path())
    for keyids in ([alice.keyid, bob.keyid], [bob.keyid]):
        with pytest.raises(UnknownSigner):
            authorize(trust, predicate(alice.keyid), keyids, NOON)


def test_a_plan_without_signatures_is_refused(file: Write) -> None:
    assert objection(file(BOTH)) == "The plan is not signed."


def test_an_unknown_author_is_refused_whoever_approves(file: Write, bob: Signer) -> None:
    assert "nobody who is trusted here" in objection(file(BOTH), "SHA256:mallory", bob.keyid)


def test_a_role_that_one_does_not_have_is_refused(file: Write, alice: Signer, bob: Signer) -> None:
    path = file(BOTH.replace("roles: [plan, approve]", "roles: [approve]"))
    assert "bob may not plan" in objection(path, bob.keyid)
    path = file(BOTH + "approvals: 1")
    assert "0 of 1 approvals" in objection(path, bob.keyid, alice.keyid)


def test_a_bucket_outside_ones_patterns_is_refused(file: Write, alice: Signer) -> None:
    assert "alice may not sign for the bucket payroll" in objection(file(BOTH), alice.keyid, bucket="payroll")


def test_a_revoked_key_is_refused(file: Write, alice: Signer) -> None:
    assert "revoked" in objection(file(BOTH + f'revoked: ["{alice.keyid}"]'), alice.keyid)


@pytest.mark.parametrize(("day", "good"), [("2026-11-22", True), ("2026-11-21", False)])
def test_a_person_may_sign_until_the_last_day_is_over(file: Write, alice: Signer, day: str, *, good: bool) -> None:
    path = file(BOTH.replace("roles: [plan],", f"roles: [plan], not_after: {day},"))
    if good:
        assert endorsed(path, alice.keyid).author == "alice"
    else:
        assert f"alice could sign until {day}" in objection(path, alice.keyid)


@pytest.mark.parametrize(("day", "good"), [("2026-11-22", True), ("2026-11-21", False)])
def test_a_signers_file_counts_until_its_last_day_is_over(file: Write, alice: Signer, day: str, *, good: bool) -> None:
    path = file(BOTH + f"expires: {day}")
    if good:
        assert endorsed(path, alice.keyid).author == "alice"
    else:
        assert f"expired on {day}" in objection(path, alice.keyid)


def test_days_are_utc_days(file: Write, alice: Signer) -> None:
    path = file(BOTH + "expires: 2026-11-22")
    in_tokyo = dt.datetime(2026, 11, 23, 8, 59, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    assert endorsed(path, alice.keyid, now=in_tokyo)
    assert "expired" in objection(path, alice.keyid, now=in_tokyo + dt.timedelta(minutes=1))


# --- approvals --------------------------------------------------------------------------------------------------------


def test_enough_approvals_are_enough(file: Write, alice: Signer, bob: Signer) -> None:
    assert endorsed(file(BOTH + "approvals: 1"), alice.keyid, bob.keyid).approvers == ("bob",)


def test_too_few_approvals_are_refused_with_the_count(file: Write, alice: Signer, bob: Signer) -> None:
    assert "0 of 1 approvals (alice" in objection(file(BOTH + "approvals: 1"), alice.keyid)
    assert "1 of 2 approvals" in objection(file(BOTH + "approvals: 2"), alice.keyid, bob.keyid)


def test_an_author_never_approves_not_even_with_another_key(file: Write, alice: Signer, bob: Signer) -> None:
    path = file('approvals: 1\npeople:\n  alice: {keys: ["ALICE", "BOB"], roles: [plan, approve]}')
    assert "0 of 1 approvals" in objection(path, alice.keyid, bob.keyid)


def test_approvals_count_people_not_signatures(file: Write, alice: Signer, bob: Signer) -> None:
    assert "1 of 2 approvals" in objection(file(BOTH + "approvals: 2"), alice.keyid, bob.keyid, bob.keyid)


# --- signers files that cannot be used --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expected `object`"),
        ("people: [alice", "expected ',' or ']'"),
        ("people: {}\npeople: {}", "a key is given twice"),
        ('people: {a: {keys: ["ALICE"], roles: [plan]}, a: {keys: ["BOB"], roles: [plan]}}', "a key is given twice"),
        ("peeple: {}", "peeple"),
        ('people: {a: {keys: ["ALICE"], roles: [boss]}}', "boss"),
        ("people: {a: {keys: [], roles: [plan]}}", "length >= 1"),
        ("people: {}\napprovals: -1", ">= 0"),
        ("people: {}\napprovals: yes", "int"),
        ("people: {}\nexpires: soon", "date"),
        ('people: {a: {keys: ["ssh-ed25519 AAAA"], roles: [plan]}}', "people.a.keys"),
        ('people: {a: {keys: ["ssh-dss AAAAB3NzaC1kc3M="], roles: [plan]}}', "not supported"),
        ('people: {a: {keys: ["ALICE"], roles: [plan]}, b: {keys: ["ALICE x"], roles: []}}', "to two people: a and b"),
        ("people: &a {b: *a}", "recursive"),
        ("\0", "special characters"),
        ("[" * 5000 + "]" * 5000, "recursion"),
    ],
)
def test_a_signers_file_with_a_mistake_is_refused(file: Write, text: str, why: str) -> None:
    path = file(text)
    with pytest.raises(UsageError, match=r"The signers file .*signers\.yaml") as raised:
        load(path, path.parent)
    assert why in raised.value.what


def test_one_person_may_have_several_keys(file: Write, alice: Signer, bob: Signer) -> None:
    path = file('people: {alice: {keys: ["ALICE", "BOB", "ALICE again"], roles: [plan]}}')
    assert set(load(path, path.parent).names) == {alice.keyid, bob.keyid} == {fingerprint(alice.public), bob.keyid}
