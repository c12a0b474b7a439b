"""An answer as a row of the cache: compressed, with a checksum, and back again byte for byte.

SQLite has no checksums, so each row carries one over its content and its text: a damaged row counts as not there, and
never decides anything. The text is raw deflate with a preset dictionary: 1.8 KB of a real answer become 0.35 KB.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from labelplan.model.response import OF_CONTENT, Answered, Unreadable, decode_response

if TYPE_CHECKING:
    from labelplan.model.response import Answer

_CATEGORIES = (
    "Profession|Events and Attractions|Buildings and Architecture|Food and Beverage|Home and Indoors|Person Description"
    "|Apparel and Accessories|Technology and Computing|Transport and Logistics|Vehicles and Automotive"
    "|Plants and Flowers|Nature and Outdoors|Animals and Pets"
)
_NAMES = (
    "Sport|Furniture|Building|Architecture|Food|Electronics|City|Road|Grass|Tree|Landscape|Scenery|Water|Sky|Insect|Fish"
    "|Bird|Reptile|Cat|Dog|Horse|Cattle|Sheep|Livestock|Elk|Antelope|Deer|Wildlife|Canine|Pet|Woman|Man|Male|Female"
    "|Adult|Clothing|Head|Face|Portrait|Photography|Vehicle|Transportation|Car|Plant|Vegetation|Nature|Outdoors|Person"
    "|Mammal|Animal"
)


def _make_dictionary() -> bytes:
    """Write what most answers have in common, the most common last: that is where deflate finds it cheapest."""
    parents = ",".join(f'{{"Name":"{name}"}}' for name in _NAMES.split("|"))
    categories = ",".join(f'"Categories":[{{"Name":"{name}"}}]' for name in _CATEGORIES.split("|"))
    box = '{"BoundingBox":{"Height":0.1,"Left":0.2,"Top":0.3,"Width":0.4},"Confidence":99.99'
    turned = '{"BoundingBox":{"Width":0.4,"Height":0.1,"Left":0.2,"Top":0.3},"Confidence":99.99'
    last = '{"Aliases":[],"Categories":[{"Name":"Animals and Pets"}],"Confidence":99.9'
    return (
        f'{parents},{categories},{{"LabelModelVersion":"3.0","Labels":[{last}7,"Instances":[{box}}}],"Name":"Animal",'
        f'"Parents":[]}},{last}8,"Instances":[],"Name":"Mammal","Parents":[{{"Name":"Animal"}}]}}],'
        f'"OrientationCorrection":null}}{{"Labels":[{{"Name":"Deer","Confidence":99.9,"Instances":[{turned}}}],'
        '"Parents":[{"Name":"Animal"},{"Name":"Mammal"},{"Name":"Wildlife"}],"Aliases":[],'
        '"Categories":[{"Name":"Animals and Pets"}]},{"Name":"Animal","Confidence":99.9,"Instances":[],"Parents":[],'
        '"Aliases":[],"Categories":[{"Name":"Animals and Pets"}]}],"LabelModelVersion":"3.0"}'
    ).encode()


DICTIONARY = _make_dictionary()
"""A part of the file's format: another one needs another `cache_file.FORMAT`."""

_RESIDUE = 0x2144DF1C
"""The CRC-32 of anything that ends with its own CRC-32 (little-endian): so it is checked in one go."""


class Row(NamedTuple):
    """What is kept of an answer. *code* is None for an answer, and the reason for a refusal; *model* is then empty."""

    model: str
    code: str | None
    body: bytes


def to_row(content: bytes, answer: Answer) -> Row:
    """Make an answer's row; raises `ValueError` for a refusal that is not the content's own."""
    if isinstance(answer, Answered):
        model, code, text = answer.response.LabelModelVersion, None, answer.raw
    elif answer.code in OF_CONTENT:
        model, code, text = "", answer.code, answer.message.encode(errors="surrogatepass")
    else:
        raise ValueError(f"a refusal for {answer.code} says nothing about the content")
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS, zdict=DICTIONARY)
    packed = deflate.compress(text) + deflate.flush()
    checksum = zlib.crc32(packed, zlib.crc32(content, _seed(model, code)))
    return Row(model, code, packed + checksum.to_bytes(4, "little"))


def is_intact(content: bytes, model: str, code: str | None, body: bytes) -> bool:
    """Tell whether a row is what was kept for *content*."""
    try:
        return zlib.crc32(body, zlib.crc32(content, _seed(model, code))) == _RESIDUE
    except (AttributeError, TypeError):  # in a damaged file a column can hold anything
        return False


def from_row(content: bytes, model: str, code: str | None, body: bytes) -> Answer | None:
    """Make the answer of a row, or None if it is damaged."""
    if not is_intact(content, model, code, body):
        return None
    try:
        text = zlib.decompressobj(-zlib.MAX_WBITS, DICTIONARY).decompress(body)  # the checksum is left over
        if code is None:
            return Answered(text, decode_response(text))
        return Unreadable(code, text.decode(errors="surrogatepass"))
    except (ValueError, zlib.error):
        return None


@lru_cache(maxsize=64)
def _seed(model: str, code: str | None) -> int:
    """Begin the checksum with what is the same in many rows."""
    return zlib.crc32(b"%b\0%b" % (model.encode(), (code or "").encode()))
