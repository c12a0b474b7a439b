"""The signatures under a plan: checked against its statement, and added to. Whose they are is `trust.py`'s business."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from labelplan.errors import PlanCorrupt, UsageError
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

    The file is replaced as a whole. A plan that was left unsigned (`<name>.unsigned`) becomes `<name>`. Raises
    `UsageError` if the key has signed before, `BadSignature`, `KeyUnusable`.
    """
    if signer.keyid in valid_signers(plan):
        raise UsageError(f"{plan.path} has a signature of {signer.keyid} already.")
    if len(plan.signatures) == MAX_SIGNATURES:
        raise UsageError(f"{plan.path} has {MAX_SIGNATURES} signatures, which is the most that a plan can have.")
    path = Path(str(plan.path).removesuffix("" if plan.signatures else UNSIGNED))
    with NewFile(str(path)) as new:
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
