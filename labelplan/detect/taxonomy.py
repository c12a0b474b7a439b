"""The label tree of the local detector: from the classifier's 1000 class probabilities to confidences of labels.

The tree is WordNet's, cut to what ImageNet's classes need (docs/decisions/0003-local-detector.md says how it was made).
A label's probability is the sum over the classes it covers, so an ancestor is never less confident than its child: a
dog is surely a Dog even when the breed is split.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNITS = 1_000_000_000
"""Probabilities are summed as integers in this unit: exact in any order, so the law above holds exactly."""


class TreeLabel(Struct, frozen=True, array_like=True):
    """One line of `taxonomy.json`: a label, the classes that are called that, and the line numbers of its ancestors."""

    name: str
    classes: tuple[int, ...]
    ancestors: tuple[int, ...]
    aliases: tuple[str, ...]
    category: str


class Taxonomy:
    """The labels, and for each the classes it covers, laid out flat for one sum over all."""

    def __init__(self, labels: tuple[TreeLabel, ...]) -> None:
        """Lay out *labels*; each must cover at least one class."""
        covered: list[list[int]] = [list(label.classes) for label in labels]
        for label in labels:
            for ancestor in label.ancestors:
                covered[ancestor].extend(label.classes)
        self.labels = labels
        self.person = next(index for index, label in enumerate(labels) if label.name == "Person")
        self._classes = np.array([one for classes in covered for one in classes])
        self._starts = np.cumsum([0, *map(len, covered[:-1])])

    @cache  # noqa: B019 - a taxonomy lives as long as its detector, and has few labels
    def described(self, index: int) -> dict[str, msgspec.Raw]:
        """Return what an answer always says of a label: its `Parents`, `Aliases` and `Categories`, as JSON."""
        label = self.labels[index]
        parents = [self.labels[ancestor].name for ancestor in label.ancestors]
        categories = [label.category] if label.category else []
        lists = {"Parents": parents, "Aliases": label.aliases, "Categories": categories}
        return {
            key: msgspec.Raw(msgspec.json.encode([{"Name": name} for name in names])) for key, names in lists.items()
        }

    def percents(self, probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
        """Turn class probabilities (0 to 1, shape 1000) into one confidence per label, 0 to 100, three decimals."""
        units = np.rint(probabilities.astype(np.float64) * UNITS).astype(np.int64)
        sums = np.add.reduceat(units[self._classes], self._starts)
        return np.round(sums / (UNITS / 100), 3)  # a softmax sums to 1 within 1e-6, so at most 100.000


def load_taxonomy() -> Taxonomy:
    """Read the tree that labelplan carries."""
    raw = resources.files("labelplan.detect").joinpath("local_data/taxonomy.json").read_bytes()
    return Taxonomy(msgspec.json.decode(raw, type=tuple[TreeLabel, ...]))
