"""labelplan: plan, review, apply and undo the cleaning of image training sets.

The command line is made of these six, and a program can use them likewise:

* `load_spec(path)`: read a spec; its mistakes come all at once.
* `plan(source, target, reader, detector, signer, path, ...)`: label, decide, write a signed plan.
* `read_plan(path)`: open a plan, every byte checked (a context manager).
* `verify(path, trust, now)`: the same, and signed by people who are trusted here.
* `apply(plan, writer, signer=...)`: delete what a verified plan says.
* `undo(writer, run_id)`: bring it back.

The ports that they take are opened by `labelplan.store.s3`, `labelplan.detect.open` and `labelplan.planfile.keys`.
Nothing is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_FACE = {
    "load_spec": ("labelplan.specfile.load", "load_spec"),
    "plan": ("labelplan.flow.plan", "make_plan"),
    "read_plan": ("labelplan.planfile.reader", "open_plan"),
    "verify": ("labelplan.flow.verify", "verify_plan"),
    "apply": ("labelplan.flow.apply", "apply_plan"),
    "undo": ("labelplan.flow.undo", "undo_run"),
}

__all__ = ["__version__", *_FACE]  # noqa: PLE0604 - the face's names are strings


def __getattr__(name: str) -> Any:
    """Import a part of the face when it is first used."""
    if name not in _FACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _FACE[name]
    return getattr(importlib.import_module(module), attribute)
