"""`labelplan unlock`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from labelplan.cli.consent import AutoApproveOption, ask
from labelplan.cli.main import COMMANDS
from labelplan.cli.output import JsonOption, make_app, result, talk
from labelplan.errors import DONE, Locked, UsageError
from labelplan.view.style import printable

if TYPE_CHECKING:
    from labelplan.model.run import Lock
    from labelplan.store.interface import Writer

app = make_app(COMMANDS["unlock"])


@app.command(epilog="Example: labelplan unlock wildlife-training 5d1f0c9e8b7a6432")
def unlock(
    bucket: Annotated[str, typer.Argument(metavar="BUCKET", help="The bucket that is locked.")],
    lock_id: Annotated[str, typer.Argument(metavar="LOCK_ID", help="The lock's id, as the refusal printed it.")],
    *,
    requester_pays: Annotated[
        bool, typer.Option("--requester-pays", help="Pay for the requests, as a requester-pays bucket demands.")
    ] = False,
    auto_approve: AutoApproveOption = False,
    as_json: JsonOption = False,
) -> int:
    """Release the lock of an apply or undo that is not at work any more.

    A lock ends by itself two minutes after its process has; this is for when that is too long. If the process is alive
    after all, it notices within half a minute, and stops. Exits with 8 if the lock that is held has another id.
    """
    from labelplan.store.s3 import open_writer  # noqa: PLC0415 - help must not wait for AWS's libraries

    name = bucket.removeprefix("s3://").rstrip("/")
    if not name or "/" in name:
        raise UsageError(f"'{bucket}' is not a bucket.", hint="Example: labelplan unlock wildlife-training LOCK_ID")
    writer = open_writer(name, account="", requester_pays=requester_pays)
    released = _unlock(writer, name, lock_id, auto_approve=auto_approve)
    if as_json:
        lock = to_builtins(released) if released else None
        result(json.dumps({"bucket": name, "released": lock}, ensure_ascii=False))
    elif released:
        result(f"Released the lock {printable(lock_id)} on s3://{name}.")
    else:
        result(f"Nobody holds a lock on s3://{name}.")
    return DONE


def _unlock(writer: Writer, name: str, lock_id: str, *, auto_approve: bool) -> Lock | None:
    """Release the lock of this id, if it is held and a person agrees; return it."""
    from labelplan.flow.lock_record import held_by, release  # noqa: PLC0415 - as above

    lock = _held(writer, name, lock_id)
    if lock is None:
        return None
    talk(f"s3://{name} is locked by {printable(held_by(lock))}")
    talk("Others may then delete and restore in the bucket. Whoever holds it notices within half a minute, and stops.")
    ask(auto_approve=auto_approve)
    if release(writer, lock):
        return lock
    _held(writer, name, lock_id)  # it ended by itself meanwhile; somebody else may have taken it
    return None


def _held(writer: Writer, name: str, lock_id: str) -> Lock | None:
    """Return the lock of this id, also if its lease has run out, or None if there is none; raises `Locked`."""
    from labelplan.flow.lock_record import find, held_by  # noqa: PLC0415 - as above

    found = find(writer)
    if found is None or found.lock.released:
        return None
    if found.lock.id == lock_id:
        return found.lock
    if not found.is_held:
        return None
    raise Locked(
        f"Nothing was released: the lock on s3://{name} is not {lock_id}. It is held by {held_by(found.lock)}",
        hint="Name that id only if you are sure that its apply or undo is not at work any more.",
    )
