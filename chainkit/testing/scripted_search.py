"""A search that finds what it is told: in place of a real one, anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from chainkit.errors import BadRequest
from chainkit.models.provider import Account
from chainkit.search.asking import Answered
from chainkit.search.engine import COUNT, Found, Searching
from chainkit.search.result import WebResult
from chainkit.search.web import Web
from chainkit.testing.scripted import Script

if TYPE_CHECKING:
    from chainkit.models.resolve import Resolved
    from chainkit.run.call import Call
    from chainkit.search.engine import SearchRequest

Result: TypeAlias = "WebResult | Mapping[str, Any] | str"
Results: TypeAlias = "Sequence[Result] | Mapping[str, Sequence[Result]] | Callable[[str], Sequence[Result]]"


class ScriptedSearch(Web):
    """A search by a script. Use it as a chain, or as a stand-in: `Run(models={"web:*": ScriptedSearch([...])})`.

    `results` is a list (always that), a mapping of queries to lists, or a function of the query. A result is a
    `WebResult`, a mapping of its fields, or a text, which then is the snippet. `delay` is in seconds, `fail` an error for
    each attempt (None: none). `seen` lists the requests that it got.
    """

    def __init__(
        self,
        results: Results = (),
        *,
        delay: float | Sequence[float] = 0.0,
        fail: BaseException | Sequence[BaseException | None] | None = None,
        count: int = COUNT,
        attempts: int = 3,
    ) -> None:
        self.__dict__["script"] = Script(_Answers(results), delay=delay, fail=fail)  # type: ignore[arg-type]
        super().__init__("scripted", Account("scripted"), (("count", count),), attempts)

    script: Script

    def _opened(self) -> Resolved:
        return Searching("scripted", self.script, 0)  # type: ignore[arg-type]

    @property
    def seen(self) -> list[SearchRequest]:
        """The requests that it was sent, in order."""
        return self.script.seen  # type: ignore[return-value]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class _Answers:
    """The answer to each request."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def __call__(self, request: SearchRequest) -> Found:
        results = tuple(_result(item, n) for n, item in enumerate(self._found(request.query), 1))
        return Found(results=results, model=request.model)

    def _found(self, query: str) -> Sequence[Result]:
        held = self._results
        if isinstance(held, Mapping):
            by_query = cast("Mapping[str, Sequence[Result]]", held)
            return by_query.get(query, ())
        return held(query) if callable(held) else held


class ScriptedPages:
    """Pages as a test wants them, in place of the web: `Run(models={"fetch:*": ScriptedPages({url: "text"})})`.

    `pages` maps a URL to its text, or is a function of the URL; a text that begins with `<` is HTML. A URL that is not
    there answers 404. `seen` lists the URLs that were read.
    """

    def __init__(self, pages: Mapping[str, str] | Callable[[str], str | None]) -> None:
        self._pages = pages
        self.seen: list[str] = []

    async def read_page(self, call: Call) -> Answered:
        """Answer a call of kind "fetch"."""
        url: str = call.request.url
        self.seen.append(url)
        text = self._pages(url) if callable(self._pages) else self._pages.get(url)
        if text is None:
            raise BadRequest(f"{url} answered 404", status=404)
        kind = "text/html" if text.lstrip().startswith("<") else "text/plain"
        return Answered(url=url, content_type=kind, charset="utf-8", data=text.encode("utf-8", "surrogatepass"))


def _result(item: Result, number: int) -> WebResult:
    if isinstance(item, WebResult):
        return item
    if isinstance(item, str):
        return WebResult(f"Page {number}", f"https://page-{number}.example/", item)
    return WebResult(**item)
