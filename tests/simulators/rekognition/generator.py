"""Invents an answer for a content, always the same one, with what was measured on real answers.

Every ancestor of a label is a label too, and never less confident; parents are in alphabetical order; numbers are
float32 values printed as doubles, whole ones as integers; labels with a box sometimes differ a little from it.
"""

from __future__ import annotations

import random
import struct
from typing import Any

from tests.simulators.rekognition.tree import LEAVES, PARENTS, TREE

SAME_AS_CHILD = 0.45
"""Share of ancestors that are exactly as confident as their surest descendant (367 of 843 real pairs)."""
EXACTLY_100 = 0.06
BOX_DIFFERS = 0.2
COLORS = (("black", 0, 0, 0), ("white", 255, 255, 255), ("darkolivegreen", 85, 107, 47), ("darkslategrey", 47, 79, 79))


def generate(sha256: str, model_version: str) -> dict[str, Any]:
    """Return a whole answer: every label down to low confidences, and the image's properties.

    What is seen depends on the content, how surely also on the model: a new one says the same a little differently.
    """
    subject = random.Random(sha256)  # noqa: S311 - the same answer every time
    sure = random.Random(f"{sha256} {model_version}")  # noqa: S311 - as above
    confidences = _confidences(subject.sample(LEAVES, subject.randint(1, 5)), sure)
    names = list(confidences)
    sure.shuffle(names)  # equally sure labels come in no order
    names.sort(key=confidences.__getitem__, reverse=True)
    labels = [_label(name, confidences[name], subject) for name in names]
    return {"ImageProperties": _properties(subject), "LabelModelVersion": model_version, "Labels": labels}


def number(value: float) -> float | int:
    """Return *value* as the service prints it: a float32 as a double, a whole one as an integer."""
    (single,) = struct.unpack("f", struct.pack("f", value))
    return int(single) if single.is_integer() else float(single)


def _confidences(leaves: list[str], chance: random.Random) -> dict[str, float]:
    found = {leaf: _draw(chance) for leaf in leaves}
    ancestors = {ancestor for leaf in leaves for ancestor in PARENTS[leaf]}
    for ancestor in sorted(ancestors, key=lambda name: (-len(PARENTS[name]), name)):  # the deepest first
        least = max(confidence for name, confidence in found.items() if ancestor in PARENTS[name])
        found[ancestor] = least if chance.random() < SAME_AS_CHILD else least + (100 - least) * chance.random()
    return {name: number(confidence) for name, confidence in found.items()}


def _draw(chance: random.Random) -> float:
    return 100.0 if chance.random() < EXACTLY_100 else 100 - 70 * chance.random() ** 2


def _label(name: str, confidence: float, chance: random.Random) -> dict[str, Any]:
    kind = TREE[name]
    return {
        "Aliases": _named(kind.aliases),
        "Categories": _named((kind.category,)),
        "Confidence": confidence,
        "Instances": _instances(confidence, chance) if kind.boxes else [],
        "Name": name,
        "Parents": _named(PARENTS[name]),
    }


def _named(names: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"Name": name} for name in names]


def _instances(confidence: float, chance: random.Random) -> list[dict[str, Any]]:
    best = confidence * (0.98 if chance.random() < BOX_DIFFERS else 1)
    return [
        {"BoundingBox": _box(chance), "Confidence": number(best * 0.97**index), "DominantColors": []}
        for index in range(chance.choice((0, 1, 1, 1, 2, 3)))
    ]


def _box(chance: random.Random) -> dict[str, float]:
    width, height = chance.uniform(0.02, 1), chance.uniform(0.02, 1)
    left, top = chance.uniform(0, 1 - width), chance.uniform(0, 1 - height)
    return {side: number(at) for side, at in (("Height", height), ("Left", left), ("Top", top), ("Width", width))}


def _properties(chance: random.Random) -> dict[str, Any]:
    return {
        "Background": {"DominantColors": _colors(chance), "Quality": _quality(chance, "Brightness", "Sharpness")},
        "DominantColors": _colors(chance),
        "Foreground": {"DominantColors": _colors(chance), "Quality": _quality(chance, "Brightness", "Sharpness")},
        "Quality": _quality(chance, "Brightness", "Contrast", "Sharpness"),
    }


def _quality(chance: random.Random, *names: str) -> dict[str, float]:
    return {name: number(chance.uniform(20, 95)) for name in names}


def _colors(chance: random.Random) -> list[dict[str, Any]]:
    left, found = 100.0, []
    for name, red, green, blue in chance.sample(COLORS, len(COLORS)):
        share = left * chance.uniform(0.2, 0.7)
        left -= share
        found.append(
            {
                "Blue": blue,
                "CSSColor": name,
                "Green": green,
                "HexCode": f"#{red:02x}{green:02x}{blue:02x}",
                "PixelPercent": number(share),
                "Red": red,
                "SimplifiedColor": name.removeprefix("dark"),
            }
        )
    return sorted(found, key=lambda color: -color["PixelPercent"])
