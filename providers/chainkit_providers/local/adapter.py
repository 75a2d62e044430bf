"""The `local:` provider: llama.cpp in this process, behind the provider protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import ChainkitError, CompositionError
from chainkit.models.completion import CompletionRequest
from chainkit.models.count import TokenCount
from chainkit.models.profile import Profile
from chainkit.models.provider import PROTOCOL, Account, Rendered
from chainkit.usage import FREE
from chainkit_providers.local import completing, embedders, native, wire
from chainkit_providers.local.catalog import LocalModel, find
from chainkit_providers.local.engine import Engine, Settings
from chainkit_providers.local.engines import engine_for
from chainkit_providers.local.files import place, pulled, ready, verify
from chainkit_providers.local.gguf import Header, read_header
from chainkit_providers.local.places import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chainkit.models.request import ChatRequest
    from chainkit.run.call import Call
    from chainkit.usage import Cost, Usage


class LocalBackend:
    """llama.cpp for one account, which is this process."""

    def __init__(self, account: Account) -> None:
        _check_account(account)
        self._handed: Engine | None = account.client

    counts = True

    async def send(self, call: Call) -> Any:
        """Answer in a thread of its own; giving it up breaks the generation off with its next token."""
        if call.request.kind == "embed":
            return await embedders.embed(call)
        if call.request.kind == "count":
            return await self._counted(call)
        request: ChatRequest = call.request
        body = self._encode(request)
        ticket = Ticket(int(body.get("n") or 1))
        fold = completing.fold(request) if isinstance(request, CompletionRequest) else wire.fold()
        emit = call.emit

        def work(put: Callable[[bytes], None]) -> None:
            engine = self._engine(request.model)
            engine.generate(completing.marked(engine, body), put, ticket)

        async def show(event: bytes) -> None:
            for piece in fold.feed("", event):
                if emit is not None:
                    await emit(piece)

        await call.io.pump(work, show, ticket.cancel, call.until)
        reply = fold.finish()
        wire.check_form(body, reply.text)
        reply.model, reply.price = request.model, _nothing
        return reply

    def render(self, request: Any) -> Rendered:
        """The request as llama.cpp gets it, or an embedding model its texts."""
        if request.kind == "embed":
            return embedders.rendered(request)
        where = self._handed.path if self._handed is not None else place(find(request.model))
        return Rendered("", "local", request.model, "CALL", where.as_uri(), {}, self._encode(request))

    def check(self, model: str | None = None) -> None:
        """Raise MissingExtra where xllamacpp is missing, UnknownModel or ProviderError where the file is."""
        if model in embedders.ROWS:
            embedders.check(model)
            return
        native.check_installed()
        if model is not None and self._handed is None:
            ready(find(model))

    async def _counted(self, call: Call) -> TokenCount:
        asked = call.request.asked
        tokens = await call.io.call(self.count_tokens, asked)
        return TokenCount(tokens=tokens, model=asked.model, price=_nothing)

    def count_tokens(self, request: ChatRequest) -> int:
        """The tokens that the request's prompt has. Loads the model; blocks."""
        return self._engine(request.model).count_tokens(self._encode(request))

    def _engine(self, model: str) -> Engine:
        return self._handed or engine_for(ready(find(model)))

    def _encode(self, request: ChatRequest) -> dict[str, Any]:
        if isinstance(request, CompletionRequest):
            return completing.encode(request)
        return wire.encode(request, lambda: self._tool_form(request.model))

    def _tool_form(self, model: str) -> wire.ToolForm:
        path = self._handed.path if self._handed is not None else ready(find(model))
        return native.tool_form(path)


def _nothing(_: Usage) -> Cost:
    return FREE


def _check_account(account: Account) -> None:
    if account.client is not None and not isinstance(account.client, Engine):
        msg = f"client= of a local model must be an Engine, not {type(account.client).__name__}"
        raise CompositionError(msg, cure="client=chainkit_providers.local.Engine(path, threads=4)")
    if account.base_url is not None or account.carrier in ("sdk", "aiohttp") or account.api is not None:
        msg = "a local model runs in this process: base_url=, api= and carrier= mean nothing to it"
        raise CompositionError(msg, cure="for a llama.cpp server use the provider llamacpp: with base_url=")


class Local:
    """`local:smollm2-135m`, `local:hf.co/owner/repo/file.gguf`, `local:/path/to/model.gguf`."""

    protocol = PROTOCOL
    name = "local"
    extra = "local"

    def open(self, account: Account) -> LocalBackend:
        """A backend; the model is loaded at its first call, once for this process."""
        return LocalBackend(account)

    def profile(self, model: str, account: Account | None = None) -> Profile:
        """What the model can do, from its file's header where that is here already."""
        if model in embedders.ROWS:
            return embedders.profile(model)
        handed = account.client if account is not None and isinstance(account.client, Engine) else None
        path = handed.path if handed is not None else place(find(model))
        settings = handed.settings if handed is not None else Settings.from_environment()
        header = _header(path)
        return Profile(
            provider=self.name,
            model=model,
            context=settings.fitting(header.context if header else None).context,
            output=("grammar", "tool", "prompt"),
            schema="grammar",
            tools=header is None or native.tool_form(path) != "none",
            options=wire.OPTIONS,
            local=True,
            kinds=frozenset({"chat", "complete"}),
        )

    def pull(self, model: str, *, progress: Callable[[int, int], object] | None = None, force: bool = False) -> Path:
        """Fetch a model into the cache. `progress(done, total)` is told the bytes fetched; total is 0 if unknown.

        `chainkit_providers.local.pull` tells of unpacking, checking and waiting for another pull too.
        """
        from chainkit_providers.local.pulling import Progress, pull

        def tell(at: Progress) -> None:
            if progress is not None and at.stage == "fetch":
                progress(at.done, at.total or 0)

        return pull(model, progress=tell, force=force)

    def models(self) -> list[dict[str, Any]]:
        """The models that are in the cache: `name` and `path`."""
        return [{"name": model.name, "path": str(path)} for model, path in pulled()]

    def pulled(self) -> list[tuple[LocalModel, Path]]:
        """The models that are in the cache."""
        return pulled()

    def verify(self, model: str, tell: Callable[[int, int], None] | None = None) -> Path:
        """Compare every byte of a pulled file with its SHA-256. Raises ProviderError, UnknownModel."""
        return verify(find(model), tell)


def _header(path: Path) -> Header | None:
    try:
        return read_header(path)
    except (OSError, ChainkitError):
        return None


provider = Local()
