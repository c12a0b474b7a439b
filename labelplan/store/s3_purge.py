"""Old versions destroyed for good: the one thing that no other part of labelplan can do, kept apart from all of them.

`open_writer` does not lead here: what apply and undo get has no such method. Only `runs purge` opens a purger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.store.bulk_xml import Named
from labelplan.store.connect import open_client, open_session
from labelplan.store.s3 import S3Writer
from labelplan.store.s3_reader import Opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.objects import KeyVersion
    from labelplan.store.interface import Deleted, Purger


def open_purger(
    bucket: str, *, region: str | None = None, account: str | None = None, requester_pays: bool = False
) -> Purger:
    """Open a bucket for ending a way back through it; otherwise like `open_writer`."""
    session = open_session()
    reading, changing = (open_client(session, region, changes=changes) for changes in (False, True))
    return S3Purger(Opened(bucket, account, requester_pays), session, reading, changing)


class S3Purger(S3Writer):
    """A bucket whose old versions can be destroyed."""

    def erase_versions(self, versions: Sequence[KeyVersion]) -> list[Deleted]:
        """See `Purger.erase_versions`."""
        for version in versions:
            if version.is_delete_marker or version.is_latest or not version.version_id:
                raise ValueError(f"only an old version may be destroyed, not {version}")
        return self._delete_all([Named(version.key, version_id=version.version_id) for version in versions])

    def beside(self, bucket: str, *, region: str | None = None, account: str | None = None) -> Purger:
        """See `Writer.beside`."""
        if bucket == self._bucket:
            return self
        own = self._opened
        return open_purger(
            bucket,
            region=region or self._reading.meta.region_name,
            account=own.account if account is None else account,
            requester_pays=own.requester_pays,
        )
