"""Where a plan's answers come from: what is kept from before, else the detector, and each is kept before it is used.

Settings, cache and detector meet here; which images are asked about, and when, is `pay.py`'s business.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from labelplan.detect.content import content_of, kind_of
from labelplan.errors import AnswersPending
from labelplan.model.objects import S3Object
from labelplan.model.response import CONVERTIBLE, OF_CONTENT, Answered, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from labelplan.detect.cache import AnswerCache
    from labelplan.detect.interface import Detector, Traffic
    from labelplan.model.objects import Image, Target
    from labelplan.model.response import Answer
    from labelplan.model.spec import DetectorSettings
    from labelplan.store.interface import Reader

POLL_S, PATIENCE_S = 0.2, 300.0
"""How often, and for how long, somebody looks whether another process has its answer."""

IN_VAIN = 5
"""So many answers of another model asked for again, one after the other, and no more are: the service means it."""

ELSEWHERE = "Another labelplan has been asking about the same images for minutes; perhaps it is suspended."


class Answers:
    """The answers for one target under one detector's settings."""

    def __init__(
        self,
        cache: AnswerCache,
        detector: Detector,
        settings: DetectorSettings,
        target: Target,
        reader: Reader,
    ) -> None:
        """Join *cache* and *detector*; *reader* is asked about the objects themselves."""
        self.detector = detector
        self._cache = cache
        self._convert = settings.convert
        self._target = target
        self._reader = reader
        self._stopped = threading.Event()
        self._in_vain = 0
        self._plain = kind_of(detector.identity, settings)
        self._converted = kind_of(detector.identity, settings, converted=True)

    def content(self, image: Image) -> bytes:
        """Return what stands for the image's content."""
        return content_of(image, self._target)

    def traffic(self) -> Traffic:
        """Tell what went over the wire so far."""
        return self.detector.traffic()

    def known(self, contents: Sequence[bytes]) -> dict[bytes, Answer]:
        """Return the answers that are kept; with `convert`, that of the converted image where the first was refused."""
        found = self._cache.find(self._plain, contents)
        if not self._convert:
            return found
        final = {content: answer for content, answer in found.items() if not _convertible(answer)}
        return final | self._cache.find(self._converted, [content for content in contents if content not in final])

    def missing(self, contents: Sequence[bytes], model: str) -> set[bytes]:
        """Return those without a kept answer that counts: one of *model*, of any if that is empty, or a refusal."""
        if self._convert:
            there = {content for content, answer in self.known(contents).items() if _counts(answer, model)}
        else:
            models = self._cache.models(self._plain, contents)
            there = {content for content, version in models.items() if not (version and model) or version == model}
        return set(contents) - there

    def ask(self, image: Image, model: str) -> Answer | None:
        """Return the kept answer for an image, or ask for it and keep it; None: another process is asking just now.

        *model*: the `LabelModelVersion` that counts, empty for any. An answer of another one is asked for once more,
        and then returned all the same.
        """
        if self._convert:
            kept = self.known([content := self.content(image)]).get(content)
            if kept is not None and _counts(kept, model):
                return kept
        answer = self._ask(self._plain, image, model, self._detect)
        if answer is not None and self._convert and _convertible(answer):
            return self._ask(self._converted, image, model, self._detect_converted)
        return answer

    def wait(self, image: Image, model: str) -> Answer:
        """Like `ask`, but wait for another process that is asking; raises `AnswersPending` if that takes too long."""
        for _ in range(int(PATIENCE_S / POLL_S)):
            if (answer := self.ask(image, model)) is not None:
                return answer
            self.pause()
        raise AnswersPending(ELSEWHERE)

    def pause(self) -> None:
        """Let another process get on; raises `AnswersPending` once stopped."""
        if self._stopped.wait(POLL_S):
            raise AnswersPending("labelplan stopped asking.")

    def stop(self) -> None:
        """Ask nothing more; what is under way is finished and kept."""
        self._stopped.set()
        self.detector.stop()

    def _ask(
        self, kind: str, image: Image, model: str, detect: Callable[[Image], Answer], *, again: bool = True
    ) -> Answer | None:
        content = self.content(image)
        match self._cache.claim(kind, content, model):
            case "theirs":
                return None
            case "answered" if (kept := self._cache.find(kind, [content]).get(content)) is not None:
                return kept
        try:
            answer = detect(image)
            if isinstance(answer, Answered) or answer.code in OF_CONTENT:
                self._cache.keep(kind, content, answer)  # it is paid for, whether or not it counts
        finally:
            self._cache.release(kind, content)
        if _counts(answer, model):
            self._in_vain = 0
        elif again and self._in_vain < IN_VAIN:
            self._in_vain += 1
            return self._ask(kind, image, model, detect, again=False)
        return answer

    def _detect(self, image: Image) -> Answer:
        """Ask the detector, and make sure that it was this content that it looked at.

        A service that reads S3 itself can be told a version, but not an ETag: where there are no versions, an object
        that is overwritten just then is answered for what it is now. It costs one HEAD, for such objects only.
        """
        answer = self.detector.detect(image)
        if self.detector.paid and isinstance(image, S3Object) and image.version_id == "null":
            now = self._reader.head(image.key)
            if now is None or (now.etag, now.size) != (image.etag, image.size):
                return Unreadable("changed", "it was overwritten or deleted while it was labelled; plan again")
        return answer

    def _detect_converted(self, image: Image) -> Answer:
        from labelplan.detect.convert import convert_image  # noqa: PLC0415 - loads Pillow

        converted = convert_image(image, self._reader.fetch)
        return converted if isinstance(converted, Unreadable) else self.detector.detect(converted)


def _convertible(answer: Answer) -> bool:
    return isinstance(answer, Unreadable) and answer.code in CONVERTIBLE


def _counts(answer: Answer, model: str) -> bool:
    return not (isinstance(answer, Answered) and model and answer.response.LabelModelVersion != model)
