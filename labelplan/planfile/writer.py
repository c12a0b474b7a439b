"""Plan -> bytes: streams decisions into a plan file, states what was written, and signs it.

Memory does not grow with the plan, and the file has its name only once it is signed. Not for deciding anything.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Self

from labelplan.errors import KeyUnusable, LabelplanError, UsageError
from labelplan.model.plan import PREDICATE_TYPE, STATEMENT_TYPE, Digest, Predicate, Statement, Subject, Totals
from labelplan.planfile import layout
from labelplan.planfile.counts import Counts
from labelplan.planfile.newfile import NewFile
from labelplan.planfile.sshwire import fingerprint

if TYPE_CHECKING:
    from os import PathLike
    from types import TracebackType

    from labelplan.model.plan import Decision, Header, Summary
    from labelplan.planfile.keys import Signer

UNSIGNED = ".unsigned"
"""What the name of a complete plan ends with whose signing failed; `labelplan sign` finishes it."""

BATCH = 128
"""Decisions encoded at once: enough to be fast, few enough that huge answers do not pile up in memory."""


class PlanWriter:
    """A context manager that writes one plan: `add` every decision, then `finish`.

    Raises `UsageError` on entering if the file cannot be written. Left without `finish`, nothing remains.
    """

    def __init__(self, path: str | PathLike[str], header: Header) -> None:
        """Take the file's name and header; raises `UsageError` if its statement could become too long to sign.

        `ValueError` if the header is one that no reader would take.
        """
        self._header = layout.settle(header)
        _check_length(self._header)
        self._file = NewFile(str(path))
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._counts = Counts()
        self._batch: list[Decision] = []
        self._before_line = b""

    def __enter__(self) -> Self:
        """Open the file and write all above the decisions."""
        self._file.__enter__()
        try:
            self._write(layout.head(self._header))
        except BaseException:
            self._file.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was written, unless the plan was finished."""
        self._file.__exit__(kind, error, trace)

    def add(self, decision: Decision) -> None:
        """Append a decision; `ValueError` (here or at a later one) if it is out of order or cannot be written."""
        self._batch.append(decision)
        if len(self._batch) == BATCH:
            self._flush()

    def finish(self, summary: Summary, signer: Signer, signers_sha256: str | None) -> Statement:
        """Write all below the decisions, sign, and give the file its name; return what was signed.

        *signers_sha256*: digest of the signers file the planner saw, None if there is none. Raises `ValueError` if
        *summary* does not agree with the decisions, and `KeyUnusable` if signing fails; the plan then stays, complete
        but for its signature, under the name in the message.
        """
        self._flush()
        self._counts.check(self._header, summary)
        self._write((b"\n" if self._before_line else b"") + layout.middle(layout.settle(summary)))
        subject = Subject("plan", Digest(self._hash.hexdigest()))
        statement = _statement(self._header, subject, self._counts.totals(), self._bytes, signers_sha256, signer.keyid)
        encoded = layout.encode(statement)
        try:
            signature = signer.sign(layout.signed_message(encoded))
        except LabelplanError as error:
            self._file.write(layout.tail(encoded, []))
            path = self._file.publish(UNSIGNED)
            raise KeyUnusable(
                f"The plan is complete, but could not be signed: {error.what}",
                hint=f"It is kept; sign it with: labelplan sign {path}",
            ) from None
        self._file.write(layout.tail(encoded, [signature]))
        self._file.publish()
        return statement

    def _flush(self) -> None:
        if not self._batch:
            return
        self._counts.add(self._batch)
        self._write(self._before_line + layout.encode_decisions(self._batch))
        self._before_line = layout.NEXT
        self._batch = []

    def _write(self, data: bytes) -> None:
        self._hash.update(data)
        self._bytes += len(data)
        self._file.write(data)


def _statement(  # noqa: PLR0913, PLR0917 - a statement's parts, each once
    header: Header, subject: Subject, totals: Totals, size: int, signers_sha256: str | None, author: str
) -> Statement:
    predicate = Predicate(
        totals=totals,
        bytes=size,
        target=header.target,
        spec_sha256=header.spec_sha256,
        signers_sha256=signers_sha256,
        author=author,
        created=header.created,
        expires=header.expires,
        partial=header.partial,
    )
    return Statement(STATEMENT_TYPE, (subject,), PREDICATE_TYPE, predicate)


def _check_length(header: Header) -> None:
    """Raise `UsageError` if the longest statement that *header* allows is too long: now, not after the paid calls."""
    digest, most = "0" * 64, 2**53 - 1
    totals, keyid = Totals(most, most, most, most, most), fingerprint(b"")
    longest = _statement(header, Subject("plan", Digest(digest)), totals, most, digest, keyid)
    size = len(layout.encode(longest))
    if size > layout.MAX_STATEMENT:
        raise UsageError(
            f"The plan's statement would be {size:,} bytes long, more than the {layout.MAX_STATEMENT:,} that every"
            " signer can sign.",
            hint="Shorten the endpoint's name.",
        )
