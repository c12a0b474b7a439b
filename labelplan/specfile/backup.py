"""What a spec's `backup` may not say: settings that its mode has no use for, copies that would be planned as images.

The limits of single values are the schema's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.model.run import RUN_PREFIX, copies_folder
from labelplan.model.spec import Backup
from labelplan.specfile.parts import mapping
from labelplan.specfile.prefixes import not_a_key, not_a_prefix
from labelplan.specfile.schema import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from labelplan.specfile.parts import Named
    from labelplan.specfile.text import Document, Value

_OF_COPIES = ("bucket", "prefix", "region", "account")
"""What only copies need."""


def backup_complaints(spec: Mapping[str, Value], rules: Mapping[str, Value], document: Document) -> Iterator[Named]:
    """Yield what is wrong with a spec's `backup`, each at its place."""
    backup = mapping(spec.get("backup"))
    mode = backup.get("mode", Backup().mode)
    if mode == "versioning":
        for name in (name for name in _OF_COPIES if name in backup):
            said = "only 'mode: copy' makes copies: write that as well, or remove this line"
            yield ("backup", name), said
        return
    prefix = backup.get("prefix", Backup().prefix)
    if not isinstance(prefix, str):
        return
    if trouble := _not_a_place(prefix):
        yield ("backup", "prefix"), trouble
    elif mode == "copy" and backup.get("bucket", spec.get("bucket")) == spec.get("bucket"):
        yield from _planned(prefix, rules, document)


def _not_a_place(prefix: str) -> str:
    """Return what is wrong with the copies' prefix, or nothing."""
    if not prefix.strip("/"):
        return "names no folder: write one, such as labelplan/"
    if trouble := not_a_key(prefix):
        return trouble if not prefix.startswith("/") else "must not begin with '/': to S3 that is a part of the key"
    if prefix.startswith(RUN_PREFIX) and not prefix.startswith(Backup().prefix):
        return f"{RUN_PREFIX} holds labelplan's own records: write another folder, or leave this line out"
    return "" if prefix.endswith("/") else f"must end with '/': write {prefix}/"


def _planned(prefix: str, rules: Mapping[str, Value], document: Document) -> Iterator[Named]:
    """Yield the label rules that would plan copies of images like images; the bucket is the same."""
    place = copies_folder(prefix)
    for name, rule in rules.items():
        images = mapping(rule).get("prefix")
        if not isinstance(images, str) or not_a_prefix(images):
            continue
        if place.startswith(images) or images.startswith(place):
            other = f"{shown(images)} of labels.{name} (line {document.place(('labels', name, 'prefix')).line})"
            said = f"the copies would go under {place}, which overlaps with {other}, and be planned like images: "
            yield ("backup", "prefix"), said + "write another prefix, or another bucket"
