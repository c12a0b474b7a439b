"""The detector that is Amazon Rekognition: DetectLabels on the object where it lies in S3, its answer kept as bytes.

Not here: caching, and pacing below a quota (botocore's adaptive mode slows down when it is told to). What an error of
the service means stands in `rekognition_errors.py`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labelplan import __version__
from labelplan.detect.limits import OBJECT_LIMIT, UPLOAD_LIMIT, refuse_size
from labelplan.errors import AwsRefused, BudgetExceeded
from labelplan.model.objects import LocalImage
from labelplan.model.response import Unreadable, strict_answer

if TYPE_CHECKING:
    from mypy_boto3_rekognition.type_defs import ImageTypeDef

    from labelplan.model.objects import Image
    from labelplan.model.response import Answer
    from labelplan.model.spec import DetectorSettings

ATTEMPTS = 10
"""Tries per image, the first included. The legacy default of 5 gives up on 1 call in 250 under a 50 TPS quota."""

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 60.0
"""Seconds. Giving up on a reply that is under way pays for it twice, so the second is generous."""


AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn")
"""Where AWS's own endpoints are, VPC endpoints among them."""


class RekognitionDetector:
    """DetectLabels with one shared client; an attempt that would exceed the budget is never sent."""

    paid = True

    def __init__(
        self,
        settings: DetectorSettings,
        bucket: str,
        region: str,
        max_calls: int | None = None,
        concurrency: int = 16,
    ) -> None:
        """Make the client from the usual AWS configuration; raises `AwsRefused`.

        *bucket* must lie in *region*. *max_calls*: how many attempts may be sent in all, retries included, since an
        attempt whose reply was lost may be billed; None: no limit. *concurrency*: threads that may call `detect`.
        """
        self.concurrency = concurrency
        self.calls = 0
        """Attempts sent so far."""
        self._settings = settings
        self._bucket = bucket
        self._region = region
        self._max_calls = max_calls
        self._counting = threading.Lock()
        self._here = threading.local()
        self._client = _make_client(region, concurrency)
        events = self._client.meta.events
        events.register("before-send.rekognition.DetectLabels", self._count_attempt)
        events.register("before-parse.rekognition.DetectLabels", self._keep_answer)

    def detect(self, image: Image) -> Answer:
        """Label one image; what is too big or empty is not sent."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded with the client

        from labelplan.detect.rekognition_errors import read_client_error, read_failure  # noqa: PLC0415 - needs botocore

        size, limit = (
            (len(image.content), UPLOAD_LIMIT) if isinstance(image, LocalImage) else (image.size, OBJECT_LIMIT)
        )
        if refused := refuse_size(size, limit):
            return refused
        try:
            self._client.detect_labels(
                Image=self._reference(image),
                MaxLabels=self._settings.max_labels,
                MinConfidence=self._settings.min_confidence,
            )
        except ClientError as error:
            return read_client_error(error)
        except BotoCoreError as error:
            raise read_failure(error, self._region) from None
        try:
            return strict_answer(self._here.raw)
        except RecursionError:
            return Unreadable("malformed-answer", "what came is no DetectLabels answer: it is nested too deep")
        except ValueError as error:
            return Unreadable("malformed-answer", f"what came is no DetectLabels answer: {error}")

    def refuse_other_store(self, s3_endpoint: str) -> None:
        """Raise `AwsRefused` if the objects are not at AWS and this is AWS's Rekognition.

        It would label the objects of a bucket at AWS that has the same name. *s3_endpoint*: the URL of the server that
        stands in for S3, empty for AWS's own.
        """
        if s3_endpoint and (urlsplit(self._client.meta.endpoint_url).hostname or "").endswith(AWS_DOMAINS):
            what = f"The bucket is at {s3_endpoint}, which AWS's Rekognition cannot read: it would look for one at AWS."
            todo = "`detector: {service: local}`, or set AWS_ENDPOINT_URL_REKOGNITION to a server that reads it."
            raise AwsRefused(what, hint=f"Use {todo}")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _reference(self, image: Image) -> ImageTypeDef:
        if isinstance(image, LocalImage):
            return {"Bytes": image.content}
        if image.version_id == "null":  # S3's name for the version of an object that has none
            return {"S3Object": {"Bucket": self._bucket, "Name": image.key}}
        return {"S3Object": {"Bucket": self._bucket, "Name": image.key, "Version": image.version_id}}

    def _count_attempt(self, **_event: Any) -> None:
        """Count an attempt just before it is sent, each retry too; botocore hands an exception here to the caller."""
        with self._counting:
            if self._max_calls is not None and self.calls >= self._max_calls:
                msg = f"The budget of {self._max_calls:,} DetectLabels calls is spent; the next one was not sent."
                hint = "Retries count too: raise budget.max_calls in the spec, and plan again."
                raise BudgetExceeded(msg, hint=hint)
            self.calls += 1

    def _keep_answer(self, response_dict: dict[str, Any], **_event: Any) -> None:
        """Keep an answer's bytes for this thread, and leave botocore nothing to parse: it is decoded once, strictly."""
        if response_dict["status_code"] == 200:  # noqa: PLR2004 - HTTP's OK
            self._here.raw = response_dict["body"]
            response_dict["body"] = b"{}"


def _make_client(region: str, concurrency: int) -> Any:
    import boto3  # noqa: PLC0415 - slow to import, and not needed for the local detector
    from botocore.config import Config  # noqa: PLC0415 - as above
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above

    from labelplan.detect.rekognition_errors import ENDPOINT, read_failure  # noqa: PLC0415 - needs botocore

    config = Config(
        # Named, not left to the default: `standard` gives up for good once its retry quota is drained.
        retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
        max_pool_connections=concurrency,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        user_agent_extra=f"labelplan/{__version__}",
    )
    try:
        client: Any = boto3.Session().client("rekognition", region_name=region, config=config)
        _ = urlsplit(client.meta.endpoint_url).port  # botocore looks at it only as it sends
    except BotoCoreError as error:
        raise read_failure(error, region) from None
    except ValueError:  # its text is the URL, and a password may be in that
        msg = "Rekognition's endpoint in the AWS configuration is no URL."
        raise AwsRefused(msg, hint=ENDPOINT) from None
    return client
