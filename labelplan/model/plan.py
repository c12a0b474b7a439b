"""The wire objects of the plan file, format 1: one class per JSON object, field order as in the file.

docs/plan-format.md describes them. Everything is frozen and forbids unknown fields, so that decoding and encoding again
gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from labelplan.model.objects import Target
from labelplan.model.response import Unreadable
from labelplan.model.spec import Service

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://labelplan.dev/plan/v1"

Action = Literal["keep", "delete"]
Reason = Literal["protected", "pinned", "reference", "unreadable", "excluded", "evidence", "truncated", "no-evidence"]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Key = Annotated[str, Meta(min_length=1, max_length=1024)]
Instant = Annotated[dt.datetime, Meta(tz=True)]


class Decision(Struct, frozen=True, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """What happens to one object, and why.

    *labels*: the evidence for an `evidence` keep, the excluded labels for an `excluded` delete, else empty. *error*
    stands instead of *response* for an unreadable object. *response* is the detector's JSON as it came; objects that
    need no answer (protected, pinned, reference) have neither.
    """

    key: Key
    version_id: str
    etag: str
    size: Size
    rule: str
    action: Action
    reason: Reason
    labels: tuple[str, ...] = ()
    error: Unreadable | UnsetType = UNSET
    response: Raw | UnsetType = UNSET


class AcceptedLabel(Struct, frozen=True, forbid_unknown_fields=True):
    """A label that is evidence under a rule.

    *threshold*: what an object's confidence must exceed. *references* and *confidence* run in parallel: who gave it,
    and how surely; both are empty for a label that only the spec's `accept` gave.
    """

    label: str
    threshold: float
    references: tuple[str, ...]
    confidence: tuple[float, ...]


class ReferenceRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A reference and its answer. *identity* is `etag:…` for an object (*key*), `sha256:…` for a local *file*."""

    identity: str
    key: str | UnsetType = UNSET
    file: str | UnsetType = UNSET
    response: Raw = Raw(b"null")


class RuleHeader(Struct, frozen=True, forbid_unknown_fields=True):
    """A label rule's accepted labels, and the references that they came from."""

    name: str
    accepted: tuple[AcceptedLabel, ...]
    references: tuple[ReferenceRecord, ...]


class DetectorRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """Which detector answered, asked what; *model_version* is the references' `LabelModelVersion`.

    *identity* names a server that stood in for AWS's own Rekognition; it is left out for that, and for `local`.
    """

    service: Service
    max_labels: int
    min_confidence: float
    model_version: str
    identity: str | UnsetType = UNSET


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """What the decisions below it were made from. *spec* is the spec's content as JSON, *spec_sha256* that of the file.

    *partial* is empty for a plan of the whole spec, else it says what the plan was restricted to.
    """

    tool: str
    target: Target
    spec: Raw
    spec_sha256: Sha256
    detector: DetectorRecord
    rules: tuple[RuleHeader, ...]
    created: Instant
    expires: Instant
    nonce: str
    partial: str = ""


class Warn(Struct, frozen=True, forbid_unknown_fields=True):
    """Something a reviewer should look at. *write* is the line to write into the spec, or empty."""

    code: str
    message: str
    write: str


class AcceptedShare(Struct, frozen=True, forbid_unknown_fields=True):
    """Percent (0-100) of the labelled objects that an accepted label accepts: in its own prefix, and in the others.

    None where there is nothing to count.
    """

    label: str
    share: float | None
    share_elsewhere: float | None


class RuleSummary(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule's outcome. *counts* has one entry per reason that occurred, as `delete no-evidence`, in sorted order."""

    name: str
    counts: dict[str, int]
    accepted: tuple[AcceptedShare, ...]
    warnings: tuple[Warn, ...]


class Summary(Struct, frozen=True, forbid_unknown_fields=True):
    """The outcome, rule by rule."""

    rules: tuple[RuleSummary, ...]


class Totals(Struct, frozen=True, forbid_unknown_fields=True):
    """Counts over all decisions; *unreadable* ones are among *keep*; *delete_bytes* is the size of what goes."""

    decisions: int
    keep: int
    delete: int
    unreadable: int
    delete_bytes: int


class Digest(Struct, frozen=True, forbid_unknown_fields=True):
    """A subject's digest, hex."""

    sha256: Sha256


class Subject(Struct, frozen=True, forbid_unknown_fields=True):
    """What the statement is about: every byte of the file above the statement."""

    name: str
    digest: Digest


class Predicate(Struct, frozen=True, forbid_unknown_fields=True):
    """What is claimed of the subject. *bytes*: its length.

    *signers_sha256*: of the signers file the planner saw. *author*: the planner's key id; that signature comes first.
    """

    totals: Totals
    bytes: int
    target: Target
    spec_sha256: Sha256
    signers_sha256: Sha256 | None
    author: str
    created: Instant
    expires: Instant
    partial: str


class Statement(Struct, frozen=True, forbid_unknown_fields=True, rename={"type_": "_type"}):
    """An in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md): the bytes that are signed."""

    type_: Literal["https://in-toto.io/Statement/v1"]
    subject: tuple[Subject, ...]
    predicateType: Literal["https://labelplan.dev/plan/v1"]  # noqa: N815 - in-toto's own field name
    predicate: Predicate


class Signature(Struct, frozen=True, forbid_unknown_fields=True):
    """One signature over the statement. *keyid*: OpenSSH fingerprint; *sig*: base64 of the binary SSHSIG."""

    keyid: str
    scheme: Literal["sshsig"]
    sig: str
