"""Sitemaps: the pages that a site lists, also by sitemaps of sitemaps, packed or not. sitemaps.org/protocol.html."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urldefrag, urlsplit
from xml.etree.ElementTree import Element

from chainkit.errors import ChainkitError
from chainkit.retrieval.loading.opened import Opened, utc_of
from chainkit.retrieval.loading.options import Options, Unreadable, too_much
from chainkit.retrieval.loading.reading import unpacked
from chainkit.retrieval.loading.sources import Source, Unlisted, UrlSource
from chainkit.retrieval.loading.xml import parsed

_DEEPEST = 3


def pages_of_file(path: str, limits: Options) -> list[Source] | None:
    """The pages that a file lists; None where it is no sitemap. Only a file that begins like one is taken for one."""
    try:
        data = Path(path).read_bytes() if Path(path).stat().st_size <= limits.max_bytes else b""
        root = _root(data, path, limits)
    except (OSError, ValueError):
        return None
    return None if root is None else _Listing(limits).of(root, 0)


def pages_of_url(url: str, limits: Options) -> list[Source] | None:
    """The pages that a sitemap at a URL lists; None where it is another XML file. Raises errors of the network."""
    from chainkit.retrieval.loading.fetching import fetch

    page = fetch(url, limits)
    try:
        root = _root(page.data, urlsplit(url).path, limits)
    except Unreadable as error:
        raise ChainkitError(f"{page.url.partition('?')[0]}: {error}") from error
    return None if root is None else _Listing(limits, {url}).of(root, 0)


def _root(data: bytes, name: str, limits: Options) -> Element | None:
    """The sitemap; None for what is no XML, or other XML."""
    opened = Opened(name, name, ".xml", io.BytesIO(data), len(data), limits)
    if data[:2] == b"\x1f\x8b":
        opened.name = name if name.lower().endswith(".gz") else name + ".gz"
        unpacked(opened)
    text = opened.whole()
    if b"<urlset" not in text[:4096] and b"<sitemapindex" not in text[:4096]:
        return None
    return parsed(text, limits)


@dataclass(slots=True)
class _Listing:
    limits: Options
    seen: set[str] = field(default_factory=set[str])

    def of(self, root: Element, depth: int) -> list[Source]:
        if root.tag == "urlset":
            return [UrlSource(url, self.limits, changed) for url, changed in self._urls(root, "url")]
        found: list[Source] = []
        for url, _ in self._urls(root, "sitemap"):
            found += self._inner(url, depth + 1)
        return found

    def _inner(self, url: str, depth: int) -> list[Source]:
        from chainkit.retrieval.loading.fetching import fetch

        try:
            if depth > _DEEPEST:
                raise Unreadable(f"sitemaps of sitemaps go deeper than {_DEEPEST}")
            root = _root(fetch(url, self.limits).data, urlsplit(url).path, self.limits)
            if root is None:
                raise Unreadable("it is no sitemap")
            return self.of(root, depth)
        except (ValueError, ChainkitError) as error:
            if isinstance(error, _TooMany):
                raise
            return [Unlisted(url, error)]

    def _urls(self, root: Element, tag: str) -> Iterator[tuple[str, str | None]]:
        for entry in root.findall(tag):
            url = urldefrag((entry.findtext("loc") or "").strip())[0]
            if url and url not in self.seen:
                self.seen.add(url)
                if len(self.seen) > self.limits.max_urls:
                    raise _TooMany(str(too_much("its sitemap lists more pages than that", self.limits, "max_urls")))
                yield url, utc_of(entry.findtext("lastmod"))


class _TooMany(ChainkitError):
    """A sitemap beyond its bound."""
