"""The service itself: from a request to what becomes of it, in the order in which AWS says no.

Who is asking, how fast, whether the parameters are right, whether S3 lets the caller read, what the bytes are. What a
call costs is settled here; that the reply then arrives, is late or is lost is up to `server.py`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from tests.simulators.rekognition import errors
from tests.simulators.rekognition.caller import Caller, Identity, denied, identify
from tests.simulators.rekognition.checks import Parameters, check, read_parameters
from tests.simulators.rekognition.faults import Chance, fail
from tests.simulators.rekognition.image import check_image
from tests.simulators.rekognition.ledger import Ledger
from tests.simulators.rekognition.quota import Ramp, TokenBucket
from tests.simulators.rekognition.select import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulators.rekognition.answers import Answers
    from tests.simulators.rekognition.objects import Objects
    from tests.simulators.rekognition.settings import Fault, Settings
    from tests.simulators.rekognition.wire import Request

THREADS = 8
"""That read S3 and look at images; what is generated without S3 needs none."""

UNREAD = "?"
"""The key of a call that nobody could make sense of."""


Fate = Literal["reply", "reset", "hang"]
FATES: dict[Fault, Fate] = {"hang": "hang", "reset-billed": "reset"}


class Outcome(Struct, frozen=True):
    """What a call comes to: a reply at the instant *due* (of the event loop's clock), a reset then, or a hang."""

    due: float
    status: int
    body: bytes
    fate: Fate = "reply"


class Service:
    """DetectLabels for all connections of one event loop."""

    def __init__(
        self,
        settings: Settings,
        answers: Answers,
        objects: Objects | None,
        callers: Mapping[str, Caller] | None,
        seed: int,
    ) -> None:
        """Start with a full bucket. *objects* is None only where the settings say that S3 is not read."""
        self.settings = settings
        self.ledger = Ledger()
        self.callers = callers
        self._answers, self._objects, self._chance = answers, objects, Chance(seed)
        self._clock = asyncio.get_running_loop().time
        self.bucket = TokenBucket(settings.tps, settings.depth, self._clock())
        self._ramp = Ramp()
        self._threads = ThreadPoolExecutor(THREADS)

    def change(self, settings: Settings) -> None:
        """Go on with other settings."""
        if not (settings.without_s3 or self._objects):
            raise ValueError("this simulator was started without S3")
        self.bucket.change(settings.tps, settings.depth, self._clock())
        self.settings = settings

    async def detect_labels(self, request: Request) -> Outcome:
        """Decide one call; bills it."""
        began, settings, key = self._clock(), self.settings, UNREAD
        try:
            parameters = read_parameters(request.body)
            key = _key(parameters)
            identity = self._identify(request)
            self._pass_quota()
            fault = self._fault()
            if fault == "reset":
                self.ledger.lose(key)
                return Outcome(began + settings.refusal_latency, 0, b"", "reset")
            fail(fault)
            check(parameters)
            sha256, body = await self._answer(parameters, identity)
        except errors.Refusal as refusal:
            self.ledger.refuse(key, refusal)
            return Outcome(self._clock() + settings.refusal_latency, refusal.status, refusal.body())
        finally:
            self.ledger.attempt(key)
        self.ledger.bill(key, sha256)
        if fault in {"hang", "reset-billed"}:
            self.ledger.lose(key)
        late = settings.slow_seconds if fault == "slow" else 0
        due = began + self._chance.latency(settings) + late
        return Outcome(due, 200, body, FATES.get(fault, "reply"))

    def allowed(self, now: float) -> float:
        """Return how many calls the quota would have allowed so far, besides the full bucket at the start."""
        self.bucket.flow(now)
        return self.bucket.allowed

    def _identify(self, request: Request) -> Identity:
        identity = identify(request, "rekognition", self.callers, dt.datetime.now(dt.UTC))
        if not identity.caller.rekognition:
            raise denied(identity, "rekognition:DetectLabels")
        return identity

    def _pass_quota(self) -> None:
        now = self._clock()
        if self.settings.ramp and not self._ramp.allows(self.settings.ramp, now):
            raise errors.slow_down()
        if not self.bucket.take(now):
            raise errors.over_the_quota()
        self._ramp.count(now)
        self.ledger.admit()

    def _fault(self) -> Fault:
        if not self.settings.next:
            return self._chance.fault(self.settings)
        fault, *rest = self.settings.next
        self.settings = msgspec.structs.replace(self.settings, next=tuple(rest))
        return fault

    async def _answer(self, parameters: Parameters, identity: Identity) -> tuple[str, bytes]:
        """Return the sha256 of the content and the answer's body."""
        if self.settings.without_s3:
            return self._see(parameters, _key(parameters).encode())
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._look, parameters, identity)

    def _look(self, parameters: Parameters, identity: Identity) -> tuple[str, bytes]:
        content = self._content(parameters, identity)
        check_image(content)
        return self._see(parameters, content)

    def _content(self, parameters: Parameters, identity: Identity) -> bytes:
        image = parameters.Image
        assert image is not None
        if image.S3Object is None:
            return image.Bytes or b""
        assert self._objects is not None
        return self._objects.read(image.S3Object, identity)

    def _see(self, parameters: Parameters, content: bytes) -> tuple[str, bytes]:
        sha256 = hashlib.sha256(content).hexdigest()
        answer = self._answers.answer(content, sha256, self.settings.model_version)
        return sha256, answer if isinstance(answer, bytes) else msgspec.json.encode(cut(answer, parameters))


def _key(parameters: Parameters) -> str:
    """Return what the ledger calls an image: `bucket/key`, or the sha256 of bytes that were sent."""
    image = parameters.Image
    if image and image.S3Object:
        return f"{image.S3Object.Bucket}/{image.S3Object.Name}"
    return hashlib.sha256(image.Bytes).hexdigest() if image and image.Bytes else UNREAD
