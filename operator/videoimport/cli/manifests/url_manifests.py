"""Manifests for addresses on the command line: a VideoImport for one address, a BulkImport for several or a list."""

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from videoimport.api.bulkimport_source import MAX_ITEMS
from videoimport.api.field_types import HttpUrl
from videoimport.api.identity import item_identity
from videoimport.api.labels import API_VERSION, BULK_KIND, VIDEO_KIND
from videoimport.api.rules.validation import BrokenRuleError
from videoimport.api.short_names import slug_of
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.destinations import HERE, Raw, build_bucket, parse_into
from videoimport.cli.manifests.shown_values import shorten_text
from videoimport.core.video_status import find_file_name

_URL: TypeAdapter[str] = TypeAdapter(HttpUrl)
_MOST_VIDEO_SLUG = 40
"""Maximum number of characters of the readable part of a VideoImport's name. With a hyphen and ten digits, the name has
at most 51."""
_MOST_BULK_SLUG = 15
"""Maximum number of characters of the readable part of a BulkImport's name. Names of children begin with this name, so
a long name of the BulkImport leaves no space for the readable part of a child."""
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_FALLBACK = "video"


def build_manifests(urls: Sequence[str], into: str | None = None, *, playlist: bool = False) -> list[Raw]:
    """Return manifests that import these addresses, without defaults, as a user would write them.

    One address becomes a VideoImport. Several addresses, at most MAX_ITEMS, become one BulkImport. With ``playlist``,
    each address is a list and becomes a BulkImport. The names are always the same for the same addresses. ``into`` is a
    folder or ``s3://bucket/prefix``. For a folder or None, the destination is the claim ``HERE``. Raises UnusableError
    with every invalid address.
    """
    unique = list(dict.fromkeys(parse_urls(urls)))
    destination = _build_destination(into)
    if playlist:
        return [_build_bulk(derive_bulk_name([url]), {"playlist": {"url": url}}, destination) for url in unique]
    if len(unique) == 1:
        return [_build_video(unique[0], destination)]
    return [_build_bulk(derive_bulk_name(unique), {"items": [{"url": url} for url in unique]}, destination)]


def parse_urls(urls: Sequence[str]) -> list[str]:
    """Return the addresses in their canonical form. Raises UnusableError with every invalid address."""
    if not urls:
        raise UnusableError("there is no address; give one or more, such as https://example.com/video.mp4.")
    if len(urls) > MAX_ITEMS:
        raise UnusableError(
            f"there are {len(urls)} addresses; give at most {MAX_ITEMS}, or use -f with a BulkImport "
            "that has source.manifest."
        )
    problems: list[str] = []
    parsed: list[str] = []
    for url in urls:
        try:
            parsed.append(_URL.validate_python(url, strict=True))
        except ValidationError as refusal:
            problems.append(f"{shorten_text(url) or 'an empty address'}: {_describe(refusal)}")
    if problems:
        raise UnusableError(*problems)
    return parsed


def _describe(refusal: ValidationError) -> str:
    detail = refusal.errors(include_url=False)[0]
    broken = detail.get("ctx", {}).get("error")
    if isinstance(broken, BrokenRuleError):
        return str(broken)
    return "it is not an address of 10 to 2048 characters; write it whole, such as https://example.com/video.mp4."


def _build_destination(into: str | None) -> Raw:
    goal = parse_into(into)
    return {"s3": build_bucket(goal, {})} if goal else {"persistentVolumeClaim": {"claimName": HERE}}


def _build_video(url: str, destination: Raw) -> Raw:
    return _build(VIDEO_KIND, derive_video_name(url), {"source": {"url": url}, "destination": destination})


def _build_bulk(name: str, source: Raw, destination: Raw) -> Raw:
    return _build(BULK_KIND, name, {"source": source, "template": {"destination": destination}})


def _build(kind: str, name: str, spec: Raw) -> Raw:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def derive_video_name(url: str) -> str:
    """Return the name of a VideoImport: the readable part of the address, and a hash of the address."""
    return f"{shorten_slug(_derive_video_slug(url), _MOST_VIDEO_SLUG)}-{item_identity(url)}"


def derive_bulk_name(urls: Sequence[str]) -> str:
    """Return the name of a BulkImport: the site of the first address, and a hash of all addresses in any order."""
    whole = "\n".join(sorted(urls)).encode()
    return f"{shorten_slug(_derive_site_slug(urls[0]), _MOST_BULK_SLUG)}-{hashlib.sha256(whole).hexdigest()[:8]}"


def _derive_video_slug(url: str) -> str:
    """Return the readable part of a video's name: the end of the path, otherwise the site."""
    parts = urlsplit(url)
    file = find_file_name(parts._replace(path=parts.path.rstrip("/"), query="", fragment="").geturl())
    return slug_of(_EXTENSION.sub("", file)) or _derive_site_slug(url)


def _derive_site_slug(url: str) -> str:
    """Return the readable part of a site's name, such as ``example-com``."""
    host = urlsplit(url).hostname or ""
    return slug_of(host.removeprefix("www.")) or _FALLBACK


def shorten_slug(slug: str, most: int) -> str:
    """Return the whole words of a slug that fit, otherwise a part of the first word."""
    if len(slug) <= most:
        return slug
    return slug[: most + 1].rpartition("-")[0] or slug[:most]
