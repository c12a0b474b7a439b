"""An answer as a row of the cache: compressed, with a checksum, and back again byte for byte.

SQLite has no checksums, so each row carries one over its content and its text: a damaged row counts as not there, and
never decides anything. The text is raw deflate with a preset dictionary: 1.8 KB of a real answer become 0.35 KB.
"""

from __future__ import annotations

import zlib
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

_CHECKSUM_BYTES = 4


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
    return Row(model, code, _checksum(content, model, code, packed) + packed)


def is_intact(content: bytes, row: Row) -> bool:
    """Tell whether a row is what was kept for *content*."""
    model, code, body = row
    return body[:_CHECKSUM_BYTES] == _checksum(content, model, code, body[_CHECKSUM_BYTES:])


def from_row(content: bytes, row: Row) -> Answer | None:
    """Make the answer of a row, or None if it is damaged."""
    if not is_intact(content, row):
        return None
    try:
        text = zlib.decompressobj(-zlib.MAX_WBITS, DICTIONARY).decompress(row.body[_CHECKSUM_BYTES:])
        if row.code is None:
            return Answered(text, decode_response(text))
        return Unreadable(row.code, text.decode(errors="surrogatepass"))
    except (ValueError, zlib.error):
        return None


def _checksum(content: bytes, model: str, code: str | None, packed: bytes) -> bytes:
    head = b"%b%b\0%b" % (content, model.encode(), (code or "").encode())
    return zlib.crc32(packed, zlib.crc32(head)).to_bytes(_CHECKSUM_BYTES, "big")
