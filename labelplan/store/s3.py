"""The bucket, through boto3: what `interface.py` promises, put together from a module for each need.

Reading and changing go through separate clients (`connect.py`): a reader has no client that could change anything, and
what a writer changes is sent once. No policy here: what to delete, and what a reply means for a run, the flows know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.store.connect import open_client, open_session
from labelplan.store.probe import S3Probe
from labelplan.store.protection import S3Protection
from labelplan.store.s3_copies import S3Copies
from labelplan.store.s3_reader import Opened
from labelplan.store.s3_records import S3Records

if TYPE_CHECKING:
    from labelplan.store.interface import Reader, Writer


def open_reader(
    bucket: str, *, region: str | None = None, account: str | None = None, requester_pays: bool = False
) -> Reader:
    """Open a bucket for reading; no call is made before the first method.

    *region*: None takes the AWS configuration's. *account*: the 12-digit id of the bucket's owner, sent with every
    call; None takes the caller's, an empty one sends none. *requester_pays*: agree with every call to pay for it.
    Raises `AwsRefused` when the AWS configuration is unusable.
    """
    session = open_session()
    reading = open_client(session, region, changes=False)
    return S3Protection(Opened(bucket, account, requester_pays), session, reading)


def open_writer(
    bucket: str, *, region: str | None = None, account: str | None = None, requester_pays: bool = False
) -> Writer:
    """Open a bucket for changing as well; otherwise like `open_reader`."""
    session = open_session()
    reading, changing = (open_client(session, region, changes=changes) for changes in (False, True))
    return S3Writer(Opened(bucket, account, requester_pays), session, reading, changing)


class S3Writer(S3Records, S3Copies, S3Probe, S3Protection):
    """A bucket that may be changed, in the ways that its parts know."""

    def beside(self, bucket: str, *, region: str | None = None, account: str | None = None) -> Writer:
        """See `Writer.beside`."""
        if bucket == self._bucket:
            return self
        own = self._opened
        return open_writer(
            bucket,
            region=region or self._reading.meta.region_name,
            account=own.account if account is None else account,
            requester_pays=own.requester_pays,
        )
