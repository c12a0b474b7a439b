"""What `plan` and `doctor` open in the same way: the bucket, the detector and the cache that a spec asks for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from labelplan.errors import AwsRefused

if TYPE_CHECKING:
    from pathlib import Path

    from labelplan.detect.cache import AnswerCache
    from labelplan.detect.interface import Detector
    from labelplan.model.objects import Target
    from labelplan.model.spec import Spec
    from labelplan.store.interface import Reader


def bucket_of(spec: Spec) -> Reader:
    """Open the spec's bucket for reading; no call is made yet."""
    from labelplan.store.s3 import open_reader  # noqa: PLC0415 - help must not wait for AWS's libraries

    return open_reader(spec.bucket, region=spec.region, account=spec.account, requester_pays=spec.requester_pays)


def detector_of(spec: Spec, target: Target, reader: Reader, tps: float | None = None) -> Detector:
    """Open the spec's detector, and make sure that it can convert if it is to; *tps* is stronger than the spec's."""
    from labelplan.detect.open import open_detector  # noqa: PLC0415 - as above

    if spec.detector.convert:
        from labelplan.detect.convert import require_converter  # noqa: PLC0415 - as above

        require_converter()
    return open_detector(
        spec.detector,
        bucket=target.bucket,
        region=target.region,
        fetch=reader.fetch,
        first_bytes=reader.first_bytes,
        max_calls=spec.max_calls,
        s3_endpoint=target.endpoint,
        tps=tps,
        requester_pays=spec.requester_pays,
    )


def cache_path() -> Path:
    """Return the file that keeps the answers."""
    from labelplan.detect.cache import default_cache_path  # noqa: PLC0415 - as above

    return default_cache_path(os.environ)


def open_own_cache() -> AnswerCache:
    """Open the file that keeps the answers, made if it is not there."""
    from labelplan.detect.cache import open_cache  # noqa: PLC0415 - as above

    return open_cache(cache_path())


def caller_of(spec: Spec) -> str:
    """Say whose the AWS credentials are, and where they were found; raises `AwsRefused`."""
    from labelplan.store.connect import caller_account, open_client, open_session  # noqa: PLC0415 - as above
    from labelplan.store.errors import CONFIGURE, explained  # noqa: PLC0415 - as above

    session = open_session()
    with explained("find the AWS credentials"):
        found = session.get_credentials()
    if found is None:
        raise AwsRefused("No AWS credentials were found.", hint=CONFIGURE)
    account = caller_account(session, open_client(session, spec.region, changes=False))
    whose = f"account {account}" if account else "a server without accounts"
    return f"{whose} (credentials from: {found.method})"
