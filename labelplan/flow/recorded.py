"""A run found by its name, in the bucket that its record says it is; for what works from the record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from labelplan.errors import WrongTarget
from labelplan.store.interface import Writer
from labelplan.store.runs import RunRecord

if TYPE_CHECKING:
    from labelplan.model.run import RunStart

Store = TypeVar("Store", bound=Writer)

_NOT_ITS_OWN = (
    "Nothing was changed. Find out who wrote below .labelplan/ in the bucket, and whether it is the bucket that it was."
)


def open_record(store: Store, run_id: str) -> tuple[Store, RunRecord, RunStart]:
    """Read what a run is; return its bucket, held to the owner that it had then, its record and its beginning.

    Who opened the bucket for an owner has said it: that one stays, whatever the record says. A record that names
    another owner, forged or not, is refused by S3. Raises `RunNotFound` and `WrongTarget`.
    """
    bucket = store.target().bucket
    start = RunRecord(store, run_id).start()
    target = start.target
    if target.bucket != bucket:
        what = f"The record of the run {run_id} is of the bucket {target.bucket}, not of {bucket}."
        raise WrongTarget(what, hint=_NOT_ITS_OWN)
    if not (target.account.isascii() and target.account.isprintable()):
        raise WrongTarget(f"The record of the run {run_id} names an owner that cannot be one.", hint=_NOT_ITS_OWN)
    owned = store.owned_by(target.account)
    if owned is not store:
        try:
            owned.target()
        except WrongTarget as error:
            what = f"The bucket {bucket} does not belong to the account {target.account}, as the run {run_id} says."
            raise WrongTarget(what, hint=_NOT_ITS_OWN) from error
    return owned, RunRecord(owned, run_id), start
