"""The signatures under a plan: checked against its statement, and added to. Whose they are is `trust.py`'s business."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from labelplan.errors import BadSignature, KeyUnusable, PlanCorrupt, UsageError
from labelplan.planfile import layout
from labelplan.planfile.lines import BLOCK
from labelplan.planfile.newfile import NewFile
from labelplan.planfile.reader import MAX_SIGNATURES
from labelplan.planfile.sshsig import check
from labelplan.planfile.writer import UNSIGNED

if TYPE_CHECKING:
    from labelplan.planfile.keys import Signer
    from labelplan.planfile.reader import PlanFile


def valid_signers(plan: PlanFile) -> tuple[str, ...]:
    """Return the key ids of those who signed, in the order of the file; raises `BadSignature` if one did not.

    Signatures of unknown keys must be valid too: there is no byte of a plan that may be changed.
    """
    message = layout.signed_message(plan.statement_bytes)
    for signature in plan.signatures:
        check(signature, message)
    return tuple(signature.keyid for signature in plan.signatures)


def add_signature(plan: PlanFile, signer: Signer) -> Path:
    """Add one's own signature, the author's if there is none yet; return the name of the file that has it.

    The file is replaced as a whole. A plan that was left unsigned (`<name>.unsigned`) becomes `<name>`, and replaces
    nothing. Raises `UsageError` if the key has signed before or `<name>` is there, `KeyUnusable` if the author has not
    signed and this is another's key, `BadSignature`.
    """
    author, signers = plan.statement.predicate.author, valid_signers(plan)
    if signer.keyid in signers:
        raise UsageError(f"{plan.path} has a signature of {signer.keyid} already.")
    if signers and signers[0] != author:
        raise BadSignature(f"{plan.path} was made by {author}, but its first signature is not by that key.")
    if not signers and signer.keyid != author:
        raise KeyUnusable(
            f"{plan.path} was made by {author}, and nobody else can sign it first; this key is {signer.keyid}.",
            hint="Sign it with the key that planned (--key), or plan again with this one.",
        )
    if len(plan.signatures) == MAX_SIGNATURES:
        raise UsageError(f"{plan.path} has {MAX_SIGNATURES} signatures, which is the most that a plan can have.")
    path = Path(str(plan.path).removesuffix("" if plan.signatures else UNSIGNED))
    with NewFile(str(path)) as new:
        if path != plan.path and os.path.lexists(path):
            raise UsageError(f"There is something at {path} already; it was left alone.", hint="Move it away first.")
        signature = signer.sign(layout.signed_message(plan.statement_bytes))
        _copy_body(plan, new)
        new.write(layout.tail(plan.statement_bytes, (*plan.signatures, signature)))
        new.publish()
    if path != plan.path:
        plan.path.unlink()
    return path


def _copy_body(plan: PlanFile, new: NewFile) -> None:
    copied, at, end = hashlib.sha256(), 0, plan.statement.predicate.bytes
    while at < end:
        block = os.pread(plan.file.fileno(), min(BLOCK, end - at), at)
        if not block:
            break
        copied.update(block)
        new.write(block)
        at += len(block)
    if copied.hexdigest() != plan.statement.subject[0].digest.sha256:
        raise PlanCorrupt(f"{plan.path} changed after it was checked.")
