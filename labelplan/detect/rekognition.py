"""The detector that is Amazon Rekognition: DetectLabels on the object where it lies in S3, its answer kept as bytes.

Every attempt is sent from here: it waits for its turn (`pace.py`), takes a token of the budget (`budget.py`), and is
sent once. What an error means stands in `rekognition_errors.py`, what explains a refusal in `refusal.py`.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from labelplan.detect.budget import Budget
from labelplan.detect.interface import Traffic
from labelplan.detect.limits import UPLOAD_LIMIT, refuse_size
from labelplan.detect.pace import Pace
from labelplan.detect.refusal import GONE, Refused, explain
from labelplan.detect.rekognition_client import MOST_IN_FLIGHT, identity_of
from labelplan.errors import AnswersPending, AwsRefused
from labelplan.model.objects import LocalImage, S3Object
from labelplan.model.response import MALFORMED, TOO_LARGE_TO_SEND, Unreadable, strict_answer

if TYPE_CHECKING:
    from mypy_boto3_rekognition.type_defs import ImageTypeDef

    from labelplan.detect.rekognition_errors import Failed, Throttled
    from labelplan.model.objects import Image
    from labelplan.model.response import Answer
    from labelplan.model.spec import DetectorSettings

THROTTLES = 30
"""Throttles of one image before it is left pending: about two minutes. They are normal, and cost nothing."""

FAILURES = 6
"""Attempts at one image that fail before it is left pending: about a quarter of a minute. Each may be billed."""

_LABELS = b'"Labels"'
"""In every answer, if there are labels or not; a page of a proxy in between does not have it."""

IN_FLIGHT_SECONDS, LEAST_IN_FLIGHT = 2.0, 8
"""Calls at once: as many as an answer of so many seconds needs at the quota; those it does not need wait for a turn."""

PERMITTED = {"invalid-image", "invalid-parameter", "image-too-large", "image-too-small"}


class Objects(Struct, frozen=True):
    """Where the objects lie, and how labelplan reads them itself: *fetch* and *first_bytes* are a store's `Reader`'s.

    *requester_pays*: Rekognition cannot say who pays for reading, so labelplan fetches each object and sends it.
    """

    bucket: str
    fetch: Callable[[S3Object, int], bytes | None]
    first_bytes: Callable[[S3Object, int], bytes | None]
    requester_pays: bool = False


class Limits(Struct, frozen=True):
    """*tps*: the quota in calls a second, and who said so; *max_calls*: attempts in all, None for no limit."""

    tps: float
    tps_from: str
    max_calls: int | None


class RekognitionDetector:
    """DetectLabels with one shared client; an attempt that would exceed the quota or the budget is never sent."""

    paid = True

    def __init__(
        self, client: Any, settings: DetectorSettings, objects: Objects, limits: Limits, pace: Pace | None = None
    ) -> None:
        """Use *client* (`make_client`), whose region is the bucket's; `close` closes it."""
        self.identity = identity_of(client)
        self.tps: float | None = limits.tps
        self.tps_from = limits.tps_from
        self.concurrency = min(max(math.ceil(limits.tps * IN_FLIGHT_SECONDS), LEAST_IN_FLIGHT), MOST_IN_FLIGHT)
        self._settings = settings
        self._objects = objects
        self._client = client
        self._pace = pace or Pace(limits.tps)
        self._budget = Budget(limits.max_calls)
        self._here = threading.local()
        client.meta.events.register("before-parse.rekognition.DetectLabels", self._keep_answer)

    def detect(self, image: Image) -> Answer:
        """Label one image; only what cannot be sent at all is refused here."""
        reference = self._reference(image)
        if isinstance(reference, Unreadable):
            return reference
        got = self._ask(reference, self._budget)
        if isinstance(got, Refused):
            return explain(got, image, self._objects.first_bytes)
        try:
            return strict_answer(got)
        except ValueError as error:
            return Unreadable(MALFORMED, f"what came is no DetectLabels answer: {error}")

    def check(self) -> None:
        """Ask about one byte that is no image, which only who may call DetectLabels is told; raises `AwsRefused`.

        No image is labelled, so it takes nothing from the budget.
        """
        got = self._ask({"Bytes": b"\0"}, Budget(None))
        if isinstance(got, Refused) and got.code not in PERMITTED:
            raise AwsRefused(f"Rekognition cannot be asked: {got.words}")

    def traffic(self) -> Traffic:
        """Tell what went over the wire so far."""
        return Traffic(self._budget.spent, self._pace.throttled, self._pace.rate)

    def stop(self) -> None:
        """Send nothing more; answers under way still come."""
        self._pace.stop()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _reference(self, image: Image) -> ImageTypeDef | Unreadable:
        size = len(image.content) if isinstance(image, LocalImage) else image.size
        if refused := refuse_size(size, size):
            return refused
        if size > UPLOAD_LIMIT and (isinstance(image, LocalImage) or self._objects.requester_pays):
            why = "a local file" if isinstance(image, LocalImage) else "what lies in a requester-pays bucket"
            what = f"{size:,} bytes: {why} is sent with the request, which holds at most {UPLOAD_LIMIT:,}"
            return Unreadable(TOO_LARGE_TO_SEND, what)
        if isinstance(image, LocalImage):
            return {"Bytes": image.content}
        if self._objects.requester_pays:
            content = self._objects.fetch(image, UPLOAD_LIMIT)
            return Unreadable("changed", GONE) if content is None else {"Bytes": content}
        if image.version_id == "null":  # S3's name for the version of an object that has none
            return {"S3Object": {"Bucket": self._objects.bucket, "Name": image.key}}
        return {"S3Object": {"Bucket": self._objects.bucket, "Name": image.key, "Version": image.version_id}}

    def _ask(self, reference: ImageTypeDef, budget: Budget) -> bytes | Refused:
        """Ask until there is an answer, a refusal or no patience left; raises `AnswersPending` and `AwsRefused`."""
        from labelplan.detect.rekognition_errors import Failed, Throttled  # noqa: PLC0415 - needs botocore

        throttles = failures = 0
        while True:
            sent = self._pace.acquire()
            budget.take()
            match self._send(reference):
                case Throttled(words, sudden):
                    budget.give_back()
                    self._pace.throttle(sent, sudden=sudden)
                    throttles += 1
                    seconds = backoff(throttles, first=0.2, most=8.0)
                case Failed(words):
                    failures += 1
                    seconds = backoff(failures, first=0.5, most=8.0)
                case got:
                    return got
            if throttles >= THROTTLES or failures >= FAILURES:
                raise AnswersPending(f"{words} ({throttles} throttled and {failures} failed attempts at one image)")
            self._pace.pause(seconds)

    def _send(self, reference: ImageTypeDef) -> bytes | Refused | Throttled | Failed:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded with the client

        from labelplan.detect.rekognition_errors import (  # noqa: PLC0415 - needs botocore
            Failed,
            read_client_error,
            read_failure,
        )

        try:
            self._client.detect_labels(
                Image=reference, MaxLabels=self._settings.max_labels, MinConfidence=self._settings.min_confidence
            )
        except ClientError as error:
            return read_client_error(error)
        except BotoCoreError as error:
            said = read_failure(error, self._client.meta.region_name)
            if isinstance(said, AwsRefused):
                raise said from None
            return said
        raw: bytes = self._here.raw
        if self._here.cut_short:
            return Failed("Rekognition's answer broke off")
        if _LABELS in raw or b"\\u" in raw:  # JSON may spell any letter as \u004c
            return raw
        return Failed("what came was no answer of Rekognition's")

    def _keep_answer(self, response_dict: dict[str, Any], **_event: Any) -> None:
        """Keep an answer's bytes for this thread, and leave botocore little to parse: it is decoded once, strictly."""
        from labelplan.detect.rekognition_errors import plain_error  # noqa: PLC0415 - needs botocore

        body = response_dict["body"]
        if response_dict["status_code"] < 300:  # noqa: PLR2004 - HTTP's successes
            announced = response_dict["headers"].get("content-length") or ""
            self._here.raw = body
            self._here.cut_short = announced.isdecimal() and len(body) < int(announced)  # botocore does not look
            response_dict["body"] = b"{}"
        else:
            response_dict["body"] = plain_error(body, response_dict["headers"].get("x-amzn-errortype"))


def backoff(attempt: int, *, first: float, most: float) -> float:
    """Return the seconds to wait after failed *attempt* (from 1): doubling, with jitter so that threads part."""
    seconds: float = min(most, first * 2 ** (attempt - 1))
    return seconds * random.uniform(0.5, 1)  # noqa: S311 - no secret hangs on it
