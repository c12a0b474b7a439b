"""The two clients of a bucket that may be changed; what is done with them stands in the modules beside this one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from labelplan.store.s3_reader import S3Reader

if TYPE_CHECKING:
    from typing import Self

    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

    from labelplan.store.s3_reader import Opened


class S3Changing(S3Reader):
    """A bucket with a second client, for what changes something: it sends nothing twice."""

    def __init__(self, opened: Opened, session: Session, reading: S3Client, changing: S3Client) -> None:
        """Keep both clients."""
        super().__init__(opened, session, reading)
        self._changing = changing

    def owned_by(self, account: str) -> Self:
        """See `Writer.owned_by`. The clients are the same ones."""
        if not account or self._opened.account != "":
            return self
        owned = copy.copy(self)
        kept = vars(owned)
        kept["_opened"] = self._opened._replace(account=account)
        for name in ("_bucket_at", "_at", "_learnt"):  # what was made of the account that was none
            kept.pop(name, None)
        return owned
