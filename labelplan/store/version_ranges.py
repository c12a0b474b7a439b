"""Which versions lie under many keys, from few requests: ranges of the bucket's listing, from wanted key to wanted key.

What a range shows of a key is believed only where the listing behaves as S3's. A key that it does not show, or that
stands where something is out of order, is looked at by itself. No call is made here.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter, itemgetter
from os.path import commonprefix
from typing import TYPE_CHECKING, Protocol

from labelplan.errors import AwsRefused
from labelplan.store.errors import SERVER
from labelplan.store.listing import newest_first
from labelplan.store.listing_xml import Marker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelplan.model.objects import KeyVersion
    from labelplan.store.versions_xml import VersionsPage

LARGEST = 1000
"""Entries that S3 gives at once."""

SMALL = 50
"""Entries that are asked for where one key is looked for: it has few versions."""

_WASTE = 256
"""Entries of other keys that cost about as much as one more request."""

_WALKS = 4
"""How often a walk is begun, where the listing is out of order."""

_TOGETHER = 4
"""Neighbours that are looked at together; fewer are looked at one by one."""

_key = attrgetter("key")


class Ask(Protocol):
    """Asks for a page of at most *size* entries: those under *prefix*, after the marker *after*."""

    def __call__(self, prefix: str, after: Marker | None, size: int, /) -> VersionsPage:
        """Return the page."""


def read_ranges(keys: Sequence[str], ask: Ask) -> dict[str, list[KeyVersion]]:
    """Return the versions of each of *keys*, newest first; of an absent key an empty list."""
    keys = sorted(set(keys))  # code points sort as their UTF-8 bytes do
    shown: dict[str, list[KeyVersion] | None] = {}
    for _ in range(_WALKS):
        if len(shown) < len(keys):
            shown.update(_Range(keys[len(shown) :], ask).walk())
    found: dict[str, list[KeyVersion]] = {}
    for unseen, some in groupby(keys, key=lambda key: shown.get(key) is None):
        if unseen:
            found |= _read_unseen(list(some), ask)
        else:
            found |= {key: versions for key in some if (versions := shown[key])}
    return found


def _read_unseen(keys: list[str], ask: Ask) -> dict[str, list[KeyVersion]]:
    """Look at neighbours that no range has shown, and which may well be absent: at all that begins as they do.

    A page that begins where its prefix does, and is the last one, tells as much as a look at each key would.
    """
    found: dict[str, list[KeyVersion]] = {}
    todo = [keys]
    while todo:
        some = todo.pop()
        if len(some) < _TOGETHER:
            found |= {key: read_alone(key, ask) for key in some}
            continue
        prefix = commonprefix([some[0], some[-1]])  # noqa: RUF071 - S3's prefixes are strings, not paths
        page = ask(prefix, None, LARGEST)
        if page.following:
            next_one = slice(len(prefix), len(prefix) + 1)
            todo += [list(group) for _, group in groupby(some, key=itemgetter(next_one))]
            continue
        shown = {key: _whole(list(group)) for key, group in groupby(sorted(page.entries, key=_key), key=_key)}
        for key in some:
            whole = shown.get(key, [])
            found[key] = read_alone(key, ask) if whole is None else whole
    return {key: found[key] for key in keys}


def read_alone(key: str, ask: Ask) -> list[KeyVersion]:
    """Return the versions of *key*, newest first; raises `AwsRefused` if the pages never end."""
    found: list[KeyVersion] = []
    after, asked = None, set[Marker]()
    while True:
        page = ask(key, after, SMALL)
        found += [entry for entry in page.entries if entry.key == key]
        after = page.following
        if after is None or any(entry.key != key for entry in page.entries):  # keys that start alike sort after it
            return newest_first(found)
        if after in asked:
            what = f"The server's listing goes round in circles: once more it goes on after {after.key!r}."
            raise AwsRefused(what, hint=SERVER)
        asked.add(after)


class _Range:
    """One walk through the listing, past all of *keys*."""

    def __init__(self, keys: Sequence[str], ask: Ask) -> None:
        self._keys = keys
        self._ask = ask
        self._prefix = commonprefix([keys[0], keys[-1]])  # noqa: RUF071 - S3's prefixes are strings, not paths
        self._wanted = frozenset(keys)
        self._read: dict[str, list[KeyVersion]] = {}
        self._at = 0  # how many keys are settled

    def walk(self) -> Iterator[tuple[str, list[KeyVersion] | None]]:
        """Read one key after another; None for a key that the listing does not show.

        Ends early, after a None, where the listing is out of order; with nothing but None from a page on that shows no
        wanted key.
        """
        size = min(LARGEST, 8 * len(self._keys) + SMALL)
        after, asked = _just_before(self._keys[0]), set[Marker]()
        while self._at < len(self._keys):
            page = self._ask(self._prefix, after, size)
            if page.following in asked or not _is_in_order(page, after):
                yield self._keys[self._at], None
                return
            shown = self._take(page.entries)
            yield from self._settled(page)
            if not shown:
                yield from ((key, None) for key in self._keys[self._at :])
                return
            if self._at < len(self._keys) and page.following:
                asked.add(page.following)
                if not self._leads_on(page):
                    yield self._keys[self._at], None
                    self._at += 1
                size = self._size(len(page.entries), shown)
                after = self._from_here(page.following)

    def _take(self, entries: list[KeyVersion]) -> dict[str, int]:
        """Keep what is of a wanted key, and return how many entries each has in this page."""
        shown: dict[str, int] = {}
        for entry in entries:
            if entry.key in self._wanted:
                self._read.setdefault(entry.key, []).append(entry)
                shown[entry.key] = shown.get(entry.key, 0) + 1
        return shown

    def _settled(self, page: VersionsPage) -> Iterator[tuple[str, list[KeyVersion] | None]]:
        """Read the keys that the listing has passed; of the last key in a page there may be more in the next."""
        last = _last(page)
        while self._at < len(self._keys):
            key = self._keys[self._at]
            if page.following and key >= last:
                return
            yield key, _whole(self._read.pop(key, []))
            self._at += 1

    def _leads_on(self, page: VersionsPage) -> bool:
        """Tell whether the next page will show the next key whole: no, where the server's marker is not within it."""
        key = self._keys[self._at]
        if page.following and key == _last(page):
            return page.following.key == key and bool(page.following.version_id)
        return True

    def _size(self, entries: int, shown: dict[str, int]) -> int:
        """Ask for as much as the keys to come should need; from key to key where they lie far apart."""
        waste = entries - sum(shown.values())
        if waste > _WASTE * (len(shown) - 1):  # the first one does not count: the page began with it
            return SMALL
        left = len(self._keys) - self._at
        return min(LARGEST, SMALL + left * entries * 5 // (4 * len(shown)))

    def _from_here(self, following: Marker) -> Marker | None:
        """Go on where the page ended, or nearer to the next key."""
        if self._at == len(self._keys):
            return None
        before = _just_before(self._keys[self._at])
        return before if before and before.key > following.key else following


def _just_before(key: str) -> Marker | None:
    """Return a place before *key*, and after most other keys: the key without its last character."""
    return Marker(key[:-1], "") if key[:-1] else None


def _last(page: VersionsPage) -> str:
    """Return the key up to which a page tells everything; without entries, that is where the next begins."""
    if page.entries:
        return max(entry.key for entry in page.entries)
    return page.following.key if page.following else ""


def _is_in_order(page: VersionsPage, after: Marker | None) -> bool:
    """Tell whether a page begins where it should and its keys ascend; some servers list markers after all versions."""
    low = after.key if after else ""
    for is_marker in (False, True):
        keys = [entry.key for entry in page.entries if entry.is_delete_marker is is_marker]
        if keys and (keys[0] < low or keys != sorted(keys)):
            return False
    return page.following is None or page.following.key >= _last(page)


def _whole(entries: list[KeyVersion]) -> list[KeyVersion] | None:
    """Put a key's versions in order; None if they cannot be all: exactly one is the latest, and none comes twice."""
    if sum(entry.is_latest for entry in entries) != 1 or len({entry.version_id for entry in entries}) != len(entries):
        return None
    return newest_first(entries)
