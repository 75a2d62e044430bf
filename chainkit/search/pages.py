"""The pages of a search's results, fetched side by side. One that fails keeps its error and stops nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from chainkit.chain import Chain
from chainkit.errors import CompositionError, EgressBlocked, MissingExtra, ProviderError
from chainkit.search.fetching import Fetch
from chainkit.search.result import WebResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

CONCURRENCY = 4


@dataclass(frozen=True, repr=False)
class Pages(Chain[list[WebResult], list[WebResult]]):
    """Fetches the first `k` results' pages; None means all. Made by `pages`."""

    k: int | None = None
    how: Fetch = field(default_factory=Fetch)
    concurrency: int = CONCURRENCY

    @property
    def in_type(self) -> Any:
        return list[WebResult]

    @property
    def out_type(self) -> Any:
        return list[WebResult]

    @property
    def label(self) -> str:
        return "pages"

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return (("fetch", self.how),)

    def compile(self, place: Place) -> Core:
        path, core = place.path, place.numbered(self.how)

        async def run(frame: Frame, value: Any) -> Any:
            results = _results(value)
            first, rest = results[: self.k], results[self.k :] if self.k is not None else []
            jobs = [_job(core, result, f"{path}[{n}]") for n, result in enumerate(first)]
            if not jobs:
                return results
            return [*await frame.gather(jobs, concurrency=self.concurrency), *rest]

        return run


def _job(core: Core, result: WebResult, place: str) -> Callable[[Frame], Any]:
    async def go(frame: Frame) -> WebResult:
        try:
            page = await core(frame.at(place).quiet(), result.url)
        except (ProviderError, EgressBlocked, MissingExtra) as error:
            cure = f"; {error.cure}" if error.cure else ""
            return replace(result, problem=f"{type(error).__name__}: {error.message}{cure}")
        return replace(result, page=page)

    return go


def _results(value: Any) -> list[WebResult]:
    found = list(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else [value]
    return [_result(item, n) for n, item in enumerate(found, 1)]


def _result(item: Any, number: int) -> WebResult:
    if isinstance(item, WebResult):
        return item
    if isinstance(item, str):
        return WebResult(item, item, rank=number)
    raise CompositionError(f"pages() takes results of a search or URLs, and got {type(item).__name__}: {item!r:.60}")


def pages(k: int | None = None, *, how: Fetch | None = None, concurrency: int = CONCURRENCY) -> Pages:
    """Fetches the first `k` results' pages, side by side.

    `web("searxng") | pages(3)`: each result comes back with its `page` (a `Document`), or with the `problem` that stopped it. `how` is a `fetch(...)`
    with options of your own. URLs are taken as well.
    """
    if k is not None and k < 1:
        raise CompositionError(f"pages({k}): at least 1 page is fetched, or leave it out for all")
    if concurrency < 1:
        raise CompositionError(f"concurrency={concurrency} is at least 1")
    return Pages(k, how or Fetch(), concurrency)
