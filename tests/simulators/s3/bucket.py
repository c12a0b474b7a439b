"""A bucket's keys and versions, and what the three states of versioning make of a write and of a delete.

Not here: conditions, locks and permissions; who calls has checked them, and nothing happens in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tests.simulators.s3.errors import invalid_version
from tests.simulators.s3.order import Order
from tests.simulators.s3.versions import Details, Version, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Versioning = Literal["", "Enabled", "Suspended"]


class Bucket:
    """One bucket. *configured*: its configurations by the subresource's name, as they were sent."""

    def __init__(self, name: str, region: str, created: int) -> None:
        self.name, self.region, self.created = name, region, created
        self.versioning: Versioning = ""
        self.mfa_delete = False
        self.locks = False
        self.configured: dict[str, bytes] = {}
        self.newest: dict[str, Version] = {}
        self.order = Order()
        self._number = 0

    def next_number(self) -> int:
        """Number a version: negative for a null version."""
        self._number += 1
        return self._number if self.versioning == "Enabled" else -self._number

    def current(self, key: str) -> Version | None:
        """Return what a request without a version id finds: None for none, and for a delete marker."""
        found = self.newest.get(key)
        return None if found is None or found.is_marker else found

    def history(self, key: str) -> Iterator[Version]:
        """List a key's versions, newest first."""
        found = self.newest.get(key)
        while found:
            yield found
            found = found.older

    def find(self, key: str, version_id: str) -> Version | None:
        """Return a version by its id; raises `Refusal` for what is no id in this bucket."""
        number = number_of(version_id)
        if number is None or (number > 0 and not self.versioning):
            raise invalid_version(version_id)
        return next((one for one in self.history(key) if one.number == number or one.number < 0 > number), None)

    def put(self, key: str, version: Version) -> None:
        """Make *version* the newest; a null version replaces the one that was there."""
        if version.number < 0:
            self._unlink(key, null=True)
        head = self.newest.get(key)
        if head is None:
            self.order.add(key)
        version.older = head
        self.newest[key] = version

    def delete(self, key: str, now: int) -> Version | None:
        """Delete *key* as a request without a version id does; return the delete marker, if one is made."""
        if not self.versioning:
            self._unlink(key, null=True)
            return None
        marker = Version(self.next_number(), b"", 0, now, b"", PLAIN)
        self.put(key, marker)
        return marker

    def remove(self, key: str, version: Version) -> None:
        """Remove one version for ever."""
        self._unlink(key, version)

    def _unlink(self, key: str, version: Version | None = None, *, null: bool = False) -> None:
        above, found = None, self.newest.get(key)
        while found and not (found is version or (null and found.number < 0)):
            above, found = found, found.older
        if found is None:
            return
        if above:
            above.older = found.older
        elif found.older:
            self.newest[key] = found.older
        else:
            del self.newest[key]
            self.order.remove(key)


PLAIN = Details(checksum="")
