"""What lies at a planned key under another ETag: an undo may have put it there, and it is the object all the same.

An upload in parts gets another ETag from its copy, and what is under a KMS key a new one from each. Changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from labelplan.errors import LabelplanError
from labelplan.flow.batches import singly
from labelplan.flow.put_back import NEWER, look_at_version
from labelplan.model.objects import S3Object
from labelplan.model.run import UndoResult
from labelplan.rules.versions import is_planned
from labelplan.store.copy_attributes import etag_may_differ

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labelplan.flow.copies import Copies
    from labelplan.model.objects import KeyVersion
    from labelplan.model.run import Capabilities, Intent
    from labelplan.store.interface import Writer


class Tools(Protocol):
    """What only some undos need."""

    @property
    def capabilities(self) -> Capabilities:
        """What the endpoint honours."""

    @property
    def copies(self) -> Copies | None:
        """The run's copies, if there are any."""


def look_closer(
    writer: Writer, tools: Tools, others: Sequence[Intent], versions: Mapping[str, Sequence[KeyVersion]]
) -> dict[str, UndoResult]:
    """Look at what seems to be another object, and has as many bytes: return, by key, what is `present` all the same.

    *versions*: what lies under each key. Also returned is what cannot be read: `failed`.
    """

    def look(one: Intent) -> UndoResult | None:
        now, *below = versions[one.key]
        planned = S3Object(one.key, one.version_id, one.etag, one.size)
        try:
            if one.attributes and tools.copies:
                return tools.copies.look_at(one, now)
            kept = any(is_planned(version, planned) for version in below)
            return look_at_version(writer, one, now) if kept else None
        except LabelplanError as error:
            return UndoResult(one.key, one.version_id, "failed", error.what)

    looked = singly([one for one in others if _may_be(one, versions[one.key][0])], look)
    return {result.key: result for result in looked if result and (result.outcome, result.message) != ("left", NEWER)}


def _may_be(one: Intent, now: KeyVersion) -> bool:
    if now.size != one.size or now.is_delete_marker:
        return False
    # without attributes, those of the old version will say it
    return one.attributes is None or bool(one.attributes.copy) or etag_may_differ(one.etag, one.attributes.encryption)
