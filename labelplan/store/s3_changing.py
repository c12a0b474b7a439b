"""The two clients of a bucket that may be changed; what is done with them stands in the modules beside this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.store.s3_reader import S3Reader

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

    from labelplan.store.s3_reader import Opened


class S3Changing(S3Reader):
    """A bucket with a second client, for what changes something: it sends nothing twice."""

    def __init__(self, opened: Opened, session: Session, reading: S3Client, changing: S3Client) -> None:
        """Keep both clients."""
        super().__init__(opened, session, reading)
        self._changing = changing
