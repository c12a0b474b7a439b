"""Whether two objects hold the same bytes, though their ETags differ: those of uploads in parts, and under KMS, do."""

from __future__ import annotations

import hashlib
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labelplan.store.interface import Place, Writer


def has_checksum(store: Writer, place: Place, checksum: str) -> bool | None:
    """Tell whether an object has a checksum that was recorded, such as `SHA256:…`; None if nothing can be said."""
    name, _, value = checksum.partition(":")
    kept = store.checksums(place).get(name) if value else None
    return None if kept is None else kept == value


def is_same(one: Writer, first: Place, other: Writer, second: Place) -> bool:
    """Compare the bytes of two objects: by checksums that the server keeps of both, else by reading them.

    Raises `LabelplanError` if they cannot be read.
    """
    kept, others = one.checksums(first), other.checksums(second)
    common = kept.keys() & others.keys()
    if common:
        return all(kept[name] == others[name] for name in common)
    digest = _sha256(one, first)
    return digest is not None and digest == _sha256(other, second)


def _sha256(store: Writer, place: Place) -> bytes | None:
    with tempfile.TemporaryFile() as body:
        if store.take(place, body) is None:
            return None
        body.seek(0)
        return hashlib.file_digest(body, "sha256").digest()
