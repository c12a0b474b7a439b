"""How fast the local detector labels photographs, beside a bare onnxruntime loop over ready tensors in the same run.

`python benchmarks/local_detector.py [FOLDER]` (default: the demo's photographs). Both sides use the same number of
cores and take turns, so that a noisy machine disturbs both alike; the ratio is the median over the rounds.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from labelplan.detect.local import LocalDetector, available_cores
from labelplan.detect.networks import Networks, Tensors
from labelplan.detect.picture import decode
from labelplan.model.objects import LocalImage
from labelplan.model.spec import DetectorSettings

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PHOTOS = Path(__file__).parent.parent / "labelplan" / "demo" / "photos"
SETTINGS = DetectorSettings("local", 50, 5.0)


def rate(threads: int, work: Callable[[T], object], items: Sequence[T]) -> float:
    """Do *work* on all *items* with so many threads; return items per second."""
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        for _ in pool.map(work, items):
            pass
        return len(items) / (time.perf_counter() - start)


def main() -> None:
    """Run the rounds and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=PHOTOS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--workers", type=int, default=available_cores())
    given = parser.parse_args()

    photos = [LocalImage(path.name, path.read_bytes(), "") for path in sorted(given.folder.rglob("*.jpg"))]
    if not photos:
        sys.exit(f"There is no .jpg under {given.folder}.")
    pictures = [decode(photo.content) for photo in photos]
    tensors = [(Tensors().classifier(picture), Tensors().finder(picture)) for picture in pictures]
    networks = Networks()

    def bare(ready: tuple[object, object]) -> None:
        networks.classifier.run(["logits"], {"input": ready[0]})
        networks.finder.run(None, {"input_1": ready[1]})

    detector = LocalDetector(SETTINGS, lambda _image, _limit: None, given.workers)
    print(f"{len(photos)} photographs, {given.workers} workers, {given.rounds} rounds")
    ratios = []
    for number in range(given.rounds + 1):
        ours = rate(detector.concurrency, detector.detect, photos)
        loop = rate(given.workers, bare, tensors)
        if number:  # the first round warms both up
            ratios.append(ours / loop)
            print(f"labelplan {ours:6.1f} images/s   bare onnxruntime {loop:6.1f} images/s   ratio {ratios[-1]:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB (with the ready tensors)")


if __name__ == "__main__":
    main()
