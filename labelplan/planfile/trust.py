"""Whom to believe: the signers file of the side that applies, never anything that the plan says about itself.

Checks who made valid signatures against people, roles, buckets, dates and the number of approvals. That a signature is
valid is `sshsig.py`'s business, and must have been found out before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from labelplan.errors import UnknownSigner, UsageError
from labelplan.planfile.sshkeys import check_public
from labelplan.planfile.sshwire import fingerprint, parse_public_line

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from labelplan.model.plan import Predicate

SIGNERS_VARIABLE = "LABELPLAN_SIGNERS"
SIGNERS_FILE = Path(".labelplan", "signers.yaml")

_YOU = "you"
_NAME_IT = "Name it: --signers FILE"

Role = Literal["plan", "approve"]


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry under `people:`. *keys*: public key lines; *buckets*: glob patterns; *not_after*: last day, in UTC."""

    keys: Annotated[tuple[str, ...], Meta(min_length=1)]
    roles: tuple[Role, ...]
    buckets: tuple[str, ...] = ("*",)
    not_after: dt.date | None = None


class SignersFile(Struct, frozen=True, forbid_unknown_fields=True):
    """What the signers file holds. *approvals*: people besides the author; *revoked*: fingerprints of keys."""

    people: dict[str, Person]
    approvals: Annotated[int, Meta(ge=0)] = 0
    expires: dt.date | None = None
    revoked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trust:
    """Who may sign. *names*: whose each key is, by key id; *source*: where this comes from, for a person to read.

    *own_key*: there is no signers file, and one's own key is the only one that counts.
    """

    signers: SignersFile
    names: Mapping[str, str]
    source: str
    own_key: bool = False


@dataclass(frozen=True)
class Endorsement:
    """The people behind a plan: who made it, and who approved it, sorted.

    *others*: key ids of further signatures, which count for nothing here, with the reason.
    """

    author: str
    approvers: tuple[str, ...]
    others: Mapping[str, str]


def load_trust(
    signers: str | Path | None,
    environ: Mapping[str, str],
    cwd: Path,
    own_key: Callable[[], bytes],
    *,
    allow_own_key: bool,
) -> Trust:
    """Find out whom to trust: *signers*, else `LABELPLAN_SIGNERS`, else `.labelplan/signers.yaml` under *cwd*.

    With none of them *own_key* is called for one's own public key, which is then the only trusted one, if
    *allow_own_key*. Raises `UsageError` for a signers file that cannot be used, `UnknownSigner` if nobody is trusted.
    """
    if path := _signers_path(signers, environ, cwd):
        people = _parse(path, _read(path))
        shown = path.relative_to(cwd) if path.is_relative_to(cwd) else path
        return Trust(people, _names(path, people), f"signers file {shown}")
    if not allow_own_key:
        raise UnknownSigner(
            "Nobody is trusted here: there is no signers file.",
            hint=f"Write {SIGNERS_FILE} (labelplan key show prints what goes in), or trust your own key alone:"
            " --trust-own-key",
        )
    keyid = fingerprint(own_key())
    alone = SignersFile({_YOU: Person(keys=(keyid,), roles=("plan", "approve"))})
    return Trust(alone, {keyid: _YOU}, "your own key", own_key=True)


def signers_digest(signers: str | Path | None, environ: Mapping[str, str], cwd: Path) -> str | None:
    """Return the hex SHA-256 of the signers file that `load_trust` would read, None if there is none.

    The planner puts it into the statement: where a signers file governs, one's own key alone is never enough.
    """
    path = _signers_path(signers, environ, cwd)
    return hashlib.sha256(_read(path)).hexdigest() if path else None


def authorize(trust: Trust, predicate: Predicate, keyids: Sequence[str], now: dt.datetime) -> Endorsement:
    """Tell who stands behind a plan, by the key ids of its valid signatures, in the order of the file.

    The first signature, and no other, must be by the author whom the statement names, who never counts as an approver.
    Approvals count people, not keys; unknown keys are passed over. Raises `UnknownSigner` with the reason if that is
    not enough.
    """
    signers, bucket, today = trust.signers, predicate.target.bucket, now.astimezone(dt.UTC).date()
    if trust.own_key and predicate.signers_sha256 is not None:
        raise UnknownSigner("A signers file governed where this plan was made; here there is none.", hint=_NAME_IT)
    if signers.expires and signers.expires < today:
        raise UnknownSigner(f"The {trust.source} expired on {signers.expires}.", hint="Have it renewed.")
    if not keyids:
        raise UnknownSigner("The plan is not signed.", hint="Sign it with: labelplan sign PLAN")
    if [at for at, keyid in enumerate(keyids) if keyid == predicate.author] != [0]:
        raise UnknownSigner(
            f"The plan was made by {predicate.author}, so its first signature, and no other, must be by that key;"
            " signatures were taken away, moved or added.",
            hint="Do not apply it. Take the plan from where it was made, or plan again.",
        )
    if reason := _objection(trust, keyids[0], "plan", bucket, today):
        raise UnknownSigner(f"The plan was signed by {keyids[0]}: {reason}.", hint=f"Trusted here: {trust.source}.")
    author = trust.names[keyids[0]]
    objections = {keyid: _objection(trust, keyid, "approve", bucket, today) for keyid in keyids[1:]}
    approvers = {trust.names[keyid] for keyid, reason in objections.items() if not reason} - {author}
    if len(approvers) < signers.approvals:
        raise UnknownSigner(
            f"The plan has {len(approvers)} of {signers.approvals} approvals ({author}, its author, does not count).",
            hint="Somebody else approves it with: labelplan sign PLAN",
        )
    return Endorsement(author, tuple(sorted(approvers)), {keyid: why for keyid, why in objections.items() if why})


def _objection(trust: Trust, keyid: str, role: Role, bucket: str, today: dt.date) -> str | None:
    """Return why a key's signature does not count, or None if it does."""
    if keyid in trust.signers.revoked:
        return "this key is revoked"
    if keyid not in trust.names:
        return "nobody who is trusted here has this key"
    name = trust.names[keyid]
    person = trust.signers.people[name]
    if person.not_after and person.not_after < today:
        return f"{name} could sign until {person.not_after}"
    if role not in person.roles:
        return f"{name} may not {role}"
    if not any(fnmatchcase(bucket, pattern) for pattern in person.buckets):
        return f"{name} may not sign for the bucket {bucket}"
    return None


def _signers_path(signers: str | Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    if named := signers or environ.get(SIGNERS_VARIABLE):
        return cwd / named
    path = cwd / SIGNERS_FILE
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # something is there: reading it will say what is wrong with it
    return path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read the signers file {path}: {error.strerror}.") from None


def _parse(path: Path, data: bytes) -> SignersFile:
    import yaml  # noqa: PLC0415 - only where there is a signers file

    class Loader(yaml.BaseLoader):  # every scalar is text: no YAML 1.1 surprises
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - yaml's own
            made = super().construct_mapping(node, deep)
            if len(made) != len(node.value):
                raise yaml.constructor.ConstructorError(None, None, "a key is given twice", node.start_mark)
            return made

    try:
        return msgspec.convert(yaml.load(data, Loader), SignersFile, strict=False)  # noqa: S506 - text, lists and maps
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"The signers file {path} cannot be used: {' '.join(str(error).split())}.") from None


def _names(path: Path, signers: SignersFile) -> dict[str, str]:
    names: dict[str, str] = {}
    for name, person in signers.people.items():
        for line in person.keys:
            try:
                public = parse_public_line(line)
                check_public(public)
            except ValueError as error:
                raise UsageError(f"The signers file {path}, people.{name}.keys: {error}: {line!r}.") from None
            owner = names.setdefault(fingerprint(public), name)
            if owner != name:
                raise UsageError(f"The signers file {path} gives one key to two people: {owner} and {name}.")
    return names
