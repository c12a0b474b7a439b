"""What a prefix, a key or a pattern must look like to match what S3 lists, and prefixes that overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.model.run import RUN_PREFIX
from labelplan.specfile.parts import mapping
from labelplan.specfile.schema import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from labelplan.specfile.parts import Named
    from labelplan.specfile.text import Document, Value


MAX_BYTES = 1024
"""Of a key: S3 counts its UTF-8 bytes, which a schema cannot."""


def too_long(key: str) -> str:
    """Return what is wrong with a key that S3 cannot hold, or nothing; the schema says it of one of more characters."""
    size = len(key.encode(errors="surrogatepass"))
    if len(key) <= MAX_BYTES < size:
        return f"has {size:,} bytes as UTF-8, more than the {MAX_BYTES:,} that a key may have"
    return ""


def not_a_prefix(prefix: str) -> str:
    """Return what is wrong with a label rule's prefix, or nothing."""
    if not prefix.strip("/"):
        return "would take in the whole bucket: write the folder of this class, such as images/deer/"
    if trouble := not_a_key(prefix):
        return trouble + (f" every object under {prefix.strip('/')}/" if prefix.startswith("/") else "")
    if prefix.startswith(RUN_PREFIX):
        return f"{RUN_PREFIX} holds labelplan's own records, which are never planned"
    return "" if prefix.endswith("/") else _without_slash(prefix)


def _without_slash(prefix: str) -> str:
    if prefix.endswith("*"):
        return f"is no pattern: write {prefix.rstrip('*').rstrip('/')}/, which takes in everything under it"
    return f"must end with '/': write {prefix}/, as {prefix} alone would take in {prefix}-other/ too"


def not_a_key(key: str) -> str:
    """Return what is wrong with something that is to match keys as S3 lists them, or nothing."""
    if "://" in key:
        return f"{shown(key)} is an address: write the key alone, without s3:// and the bucket's name"
    if key.startswith("/"):
        return f"must not begin with '/': to S3 that is a part of the key. Without it, {key.lstrip('/')} would match"
    if key.startswith(("./", "../")):
        return f"{shown(key)} is a path: write the key as S3 lists it, without './'"
    if "\\" in key:
        return f"{shown(key)} holds a backslash: keys are divided by '/'"
    return too_long(key)


def overlaps(rules: Mapping[str, Value], document: Document) -> Iterator[Named]:
    """Compare each prefix with the folders above it; the later one in the file is told."""
    taken: dict[str, str] = {}
    pairs = []
    for name, rule in rules.items():
        prefix = mapping(rule).get("prefix")
        if isinstance(prefix, str) and not not_a_prefix(prefix):
            pairs.append((prefix, name))
            if taken.setdefault(prefix, name) != name:
                yield _overlap(name, taken[prefix], prefix, document)
    order = {name: index for index, name in enumerate(rules)}
    for prefix, name in pairs:
        for above in _folders_above(prefix[:MAX_BYTES]):
            if above in taken:
                first, second = sorted((name, taken[above]), key=order.__getitem__)
                yield _overlap(second, first, above if first == taken[above] else prefix, document)


def _folders_above(prefix: str) -> Iterator[str]:
    end = prefix.find("/")
    while -1 < end < len(prefix) - 1:
        yield prefix[: end + 1]
        end = prefix.find("/", end + 1)


def _overlap(name: str, other: str, others_prefix: str, document: Document) -> Named:
    line = document.place(("labels", other, "prefix")).line
    return (
        ("labels", name, "prefix"),
        f"overlaps with {shown(others_prefix)} of labels.{other} (line {line}): an object would belong to both rules",
    )
