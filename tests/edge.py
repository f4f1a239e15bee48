"""CloudFront before the storefront, in memory, as its documentation has it: for tests, and for a day's traffic.

It keeps what the answers' own headers say, under the key that the deployed cache policy has (`caching.KEY`, the path
and the query) once the edge's function has made equal what means the same. Each location keeps for itself, and asks the
cache of its region for what it lacks; only that asks the origin. Stale answers are served while they are revalidated;
what was taken back by a tag is never served again. Time is `clock`'s, which tests set.
"""

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from infra.kept import LANGUAGES
from shared.core import caching, clock
from tests.client import Answer, Client

PREFIX = "/api/v1"

REGIONS = {"dhaka": "mumbai", "chattogram": "mumbai", "kolkata": "mumbai", "london": "london"}

# From the location's cache; from its region's; old, while it is revalidated; asked for again, and found the same; asked
# for at the origin; not for the edge to keep.
type How = Literal["hit", "regional", "stale", "revalidated", "miss", "passed"]
type Store = dict[tuple[str, ...], "Kept"]


@dataclass
class Kept:
    """An answer that a location keeps."""

    answer: Answer
    stored_at: datetime
    fresh_until: datetime
    stale_until: datetime  # shown so long while it is revalidated
    tags: frozenset[str]


@dataclass(frozen=True)
class Seen:
    """What a viewer got, and how; `kept`: what it was answered by, where that was there already."""

    answer: Answer
    how: How
    kept: Kept | None = None


@dataclass
class Edge:
    """The distribution. `host`: the name under which viewers ask, unless they say another."""

    kept_paths: Sequence[str]
    host: str = "d111.cloudfront.example"
    locations: dict[str, Store] = field(default_factory=dict)
    regions: dict[str, Store] = field(default_factory=dict)
    asked: int = 0  # requests that reached the origin
    sent: int = 0  # bytes of bodies that the origin sent

    def get(self, path: str, *, location: str = "dhaka", headers: Mapping[str, str] | None = None) -> Seen:
        """Answer a viewer's GET of a path below /api/v1, its query included."""
        bare, _, query = path.partition("?")
        given = {name.lower(): value for name, value in (headers or {}).items()}
        given[caching.HOST.lower()] = given.pop("host", self.host)
        if not any(fnmatch.fnmatchcase(PREFIX + bare, pattern) for pattern in self.kept_paths):
            return Seen(self._ask(path, given), "passed")
        asked = _equal(given)
        query = urlencode(sorted(parse_qsl(query, keep_blank_values=True)))
        whole = f"{bare}?{query}" if query else bare
        key = (whole, *(asked.get(name.lower(), "") for name in caching.KEY))
        near = self.locations.setdefault(location, {})
        one = near.get(key)
        if one is not None and clock.now() < one.fresh_until:
            return Seen(one.answer, "hit", one)
        region = self.regions.setdefault(REGIONS[location], {})
        seen = self._from(region, key, whole, asked)
        near.pop(key, None)
        if key in region:
            near[key] = region[key]
        return seen

    def forget(self, tags: Iterable[str]) -> int:
        """Take back what carries one of these tags, everywhere; return how many answers that were."""
        wanted, gone = {tag.lower() for tag in tags}, 0
        for kept in (*self.regions.values(), *self.locations.values()):
            for key in [key for key, one in kept.items() if one.tags & wanted]:
                del kept[key]
                gone += 1
        return gone

    def _from(self, kept: Store, key: tuple[str, ...], path: str, asked: dict[str, str]) -> Seen:
        one, now = kept.get(key), clock.now()
        if one is not None and now < one.fresh_until:
            return Seen(one.answer, "regional", one)
        forwarded = {name.lower() for name in caching.KEY}
        headers = {name: value for name, value in asked.items() if name in forwarded}
        if one is None:
            answer = self._ask(path, headers)
            self._keep(kept, key, answer)
            return Seen(answer, "miss")
        again = self._ask(path, headers | {"if-none-match": one.answer.headers.get("etag", '"none"')})
        answer = Answer(one.answer.status_code, one.answer.headers | again.headers, one.answer.body)
        answer = answer if again.status_code == 304 else again
        self._keep(kept, key, answer)
        if now < one.stale_until:
            return Seen(one.answer, "stale", one)
        return Seen(answer, "revalidated" if again.status_code == 304 else "miss")

    def _keep(self, kept: Store, key: tuple[str, ...], answer: Answer) -> None:
        kept.pop(key, None)
        control = answer.headers.get("cache-control", "")
        seconds = _seconds(control, "s-maxage")
        if "public" not in control or not seconds:
            return
        now = clock.now()
        fresh_until = now + timedelta(seconds=seconds)
        stale_until = fresh_until + timedelta(seconds=_seconds(control, "stale-while-revalidate"))
        tags = frozenset(answer.headers.get("cache-tag", "").lower().split(",")[: caching.MOST_TAGS])
        kept[key] = Kept(answer, now, fresh_until, stale_until, tags)

    def _ask(self, path: str, headers: Mapping[str, str]) -> Answer:
        self.asked += 1
        answer = Client({"host": headers.get(caching.HOST.lower(), self.host), **headers}).get(path)
        self.sent += len(answer.body)
        return answer


def _equal(headers: Mapping[str, str]) -> dict[str, str]:
    """Make equal what means the same, as the edge's function does."""
    asked = dict(headers)
    named = [one.partition(";")[0].strip().lower() for one in _taken(asked, caching.LOCALE).split(",")]
    spoken = (found for one in named if (found := one.partition("-")[0]) in LANGUAGES)
    asked[caching.LOCALE.lower()] = next(spoken, LANGUAGES[0])
    code = _taken(asked, caching.CURRENCY).strip().upper()
    if re.fullmatch("[A-Z]{3}", code):
        asked[caching.CURRENCY.lower()] = code
    return asked


def _taken(headers: dict[str, str], name: str) -> str:
    return headers.pop(name.lower(), "")


def _seconds(control: str, name: str) -> int:
    found = re.search(rf"\b{name}=(\d+)", control)
    return int(found[1]) if found else 0
