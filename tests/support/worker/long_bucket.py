"""A bucket as S3 shows it, with as many keys as one likes: of ListObjectsV2, HEAD and GET, what a listing asks."""

import bisect
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from support.fake_source_site import Exchange, FakeSourceSite

PAGE = 1000


@dataclass
class LongBucket:
    """Unsigned requests only."""

    site: FakeSourceSite
    keys: list[str]
    """In their order."""
    name: str = "long-bucket"
    listings: list[str] = field(default_factory=list)
    """Queries that came."""
    refuse_from: int | None = None
    """Listings that are refused, from this one on: 503 SlowDown, as S3 says that it is asked too much."""
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.site.routes[f"/{self.name}"] = self._list
        for key in self.keys if len(self.keys) < PAGE else ():
            self.site.routes[f"/{self.name}/{key}"] = lambda exchange, key=key: self._object(exchange, key)  # type: ignore[misc]

    @property
    def source(self) -> dict[str, object]:
        return {"s3": {"endpoint": self.site.url(""), "bucket": self.name}}

    def _list(self, exchange: Exchange) -> None:
        self.listings.append(exchange.seen.path)
        if self.refuse_from is not None and len(self.listings) >= self.refuse_from:
            exchange.answer(503, b"<Error><Code>SlowDown</Code></Error>", {"Content-Type": "application/xml"})
            return
        asked = parse_qs(urlsplit(exchange.seen.path).query)
        after = asked.get("continuation-token", asked.get("start-after", [""]))[0]
        first = bisect.bisect_right(self.keys, after)
        some = self.keys[first : first + PAGE]
        more = first + PAGE < len(self.keys)
        token = f"<NextContinuationToken>{escape(some[-1])}</NextContinuationToken>" if more else ""
        inner = "".join(
            f'<Contents><Key>{escape(key)}</Key><Size>9</Size><ETag>"etag"</ETag></Contents>' for key in some
        )
        body = f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{inner}</ListBucketResult>"
        exchange.answer(200, body.encode(), {"Content-Type": "application/xml"})

    def _object(self, exchange: Exchange, key: str) -> None:
        version = {"x-amz-version-id": self.versions[key]} if key in self.versions else {}
        exchange.start(200, {"Content-Length": "9", "ETag": '"etag"', **version})
