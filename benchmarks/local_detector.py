"""How fast the local detector labels photographs, beside a bare onnxruntime loop over ready tensors in the same run.

`python benchmarks/local_detector.py [FOLDER]` (default: the demo's photographs). Both sides use the same number of
cores and take turns, so that a noisy machine disturbs both alike; the ratios are medians over the rounds. Where others
use the machine, the ratio of CPU time says more than that of images per second.
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


def measure(threads: int, work: Callable[[T], object], items: Sequence[T]) -> tuple[float, float]:
    """Do *work* on all *items* with so many threads; return items per second, and CPU milliseconds per item."""
    with ThreadPoolExecutor(threads) as pool:
        start, cpu = time.perf_counter(), time.process_time()
        for _ in pool.map(work, items):
            pass
        return len(items) / (time.perf_counter() - start), 1000 * (time.process_time() - cpu) / len(items)


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
        ours, our_cpu = measure(detector.concurrency, detector.detect, photos)
        loop, loop_cpu = measure(given.workers, bare, tensors)
        if number:  # the first round warms both up
            ratios.append((ours / loop, loop_cpu / our_cpu))
            print(f"labelplan {ours:5.1f} images/s, {our_cpu:.1f} ms CPU   bare {loop:5.1f}, {loop_cpu:.1f} ms")
    speed, effort = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(f"of a bare onnxruntime loop: {speed:.3f} of the images per second, {effort:.3f} by CPU time")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB (with the ready tensors)")


if __name__ == "__main__":
    main()
