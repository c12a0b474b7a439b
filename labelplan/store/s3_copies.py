"""Copies within S3, and what they do not keep: the way back for buckets without versioning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelplan.store.s3_changing import S3Changing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelplan.model.objects import S3Object
    from labelplan.model.run import Attributes, Grant
    from labelplan.store.interface import Copied, Place, Writer


class S3Copies(S3Changing):
    """A bucket that objects can be copied into."""

    def describe(self, item: S3Object) -> Attributes | str:
        """See `Writer.describe`."""
        raise NotImplementedError

    def copy_in(self, source: Place, key: str, attributes: Attributes, *, absent: bool) -> Copied:
        """See `Writer.copy_in`."""
        raise NotImplementedError

    def upload_in(self, source: Writer, place: Place, key: str, attributes: Attributes) -> Copied:
        """See `Writer.upload_in`."""
        raise NotImplementedError

    def set_acl(self, key: str, grants: Sequence[Grant]) -> Copied:
        """See `Writer.set_acl`."""
        raise NotImplementedError
