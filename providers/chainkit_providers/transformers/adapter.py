"""The `transformers:` provider: PyTorch in this process, behind the provider protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError
from chainkit.models.completion import CompletionRequest
from chainkit.models.count import TokenCount
from chainkit.models.profile import Profile
from chainkit.models.provider import PROTOCOL, Account, Rendered
from chainkit.usage import FREE
from chainkit_providers.local.places import Ticket
from chainkit_providers.transformers import answer, encoding, native, source, tasks
from chainkit_providers.transformers.loaded import GivenUp, Loaded, loaded
from chainkit_providers.transformers.reading import read
from chainkit_providers.transformers.writing import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest
    from chainkit.run.call import Call
    from chainkit.usage import Cost, Usage
    from chainkit_providers.transformers.loaded import Kind
    from chainkit_providers.transformers.writing import Written

_CAUSAL = frozenset({"chat", "complete", "embed"})
_ALL = _CAUSAL | {"classify"}


class TransformersBackend:
    """Transformers for one account, which is this process."""

    counts = True

    def __init__(self, account: Account) -> None:
        _check_account(account)
        self._handed: Loaded | None = account.client

    async def send(self, call: Call) -> Any:
        """Answer in a thread of its own; giving it up breaks the model off between two of its layers."""
        kind = call.request.kind
        if kind == "count":
            return await call.io.call(self._counted, call.request.asked)
        if kind in ("chat", "complete"):
            return await self._answered(call)
        return await self._pumped(
            call, lambda _, ticket: tasks.TASKS[kind](self._loaded(kind, call), call.request, ticket)
        )

    async def _answered(self, call: Call) -> Reply:
        request: ChatRequest = call.request
        body = encoding.encode(request)
        chat = not isinstance(request, CompletionRequest)
        tools, emit = bool(body.get("tools")), call.emit
        growing = answer.Growing(chat=chat, tools=tools)

        async def show(text: str) -> None:
            if emit is not None:
                for piece in growing.feed(text):
                    await emit(piece)

        def work(put: Callable[[Any], None], ticket: Ticket) -> Any:
            return write(self._loaded("chat", call), body, put, ticket)

        written: Written = await self._pumped(call, work, show)
        if emit is not None:
            for piece in growing.rest():
                await emit(piece)
        return answer.reply(written, request.model, chat=chat, tools=tools)

    async def _pumped(self, call: Call, work: Callable[[Any, Ticket], Any], show: Any = None) -> Any:
        ticket = Ticket()

        def run(put: Callable[[Any], None]) -> Any:
            try:
                return work(put, ticket)
            except GivenUp:
                return None

        return await call.io.pump(run, show, ticket.cancel, call.until)

    def _loaded(self, kind: Kind, call: Call) -> Loaded:
        return self._handed or loaded(call.request.model, kind)

    def _counted(self, request: ChatRequest) -> TokenCount:
        held = self._handed or loaded(request.model, "chat")
        tokens = len(read(held, encoding.encode(request)).tokens)
        return TokenCount(tokens=tokens, model=request.model, price=_nothing)

    def render(self, request: Any) -> Rendered:
        """The request as the model in this process is asked."""
        where = "memory:" if self._handed is not None else source.find(request.model).where
        body = encoding.encode(request) if request.kind in ("chat", "complete") else tasks.shown(request)
        return Rendered("", "transformers", request.model, "CALL", where, {}, body)

    def check(self, model: str | None = None) -> None:
        """Raise MissingExtra where torch or transformers is missing, UnknownModel where the model is not here."""
        native.check_installed()
        if model is not None and self._handed is None:
            source.check(source.find(model))


def _nothing(_: Usage) -> Cost:
    return FREE


def _check_account(account: Account) -> None:
    if account.client is not None and not isinstance(account.client, Loaded):
        msg = f"client= of a model of transformers must be a Loaded, not {type(account.client).__name__}"
        raise CompositionError(msg, cure="client=chainkit_providers.transformers.Loaded(model, tokenizer)")
    if account.base_url is not None or account.carrier in ("sdk", "aiohttp") or account.api is not None:
        msg = "a model of transformers: runs in this process: base_url=, api= and carrier= mean nothing to it"
        raise CompositionError(
            msg, cure="for a server of text-generation-inference use the provider hf: with base_url="
        )


class Transformers:
    """`transformers:owner/repo`, `transformers:owner/repo/file.gguf`, `transformers:./folder`, `transformers:./file.gguf`."""

    protocol = PROTOCOL
    name = "transformers"
    extra = "transformers"
    vendor = "chainkit_providers.transformers.options:TransformersOptions"

    def open(self, account: Account) -> TransformersBackend:
        """A backend; the model is loaded at its first call, once for this process."""
        return TransformersBackend(account)

    def profile(self, model: str, account: Account | None = None) -> Profile:
        """What the model can do, from its configuration where that is here already; torch is not imported for it."""
        handed = account.client if account is not None and isinstance(account.client, Loaded) else None
        place = None if handed is not None else source.find(model)
        held: dict[str, Any] = handed.model.config.to_dict() if handed is not None else source.config(place)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        context = source.context_of(held)
        if place is not None and place.file is not None:
            context, held = source.gguf_context(place), {"architectures": ["ForCausalLM"]}
        return Profile(
            provider=self.name,
            model=model,
            context=context,
            output=("grammar", "tool", "prompt"),
            schema="grammar",
            options=encoding.OPTIONS,
            local=True,
            kinds=_kinds(held.get("architectures")),
            most=32,
        )

    def models(self) -> list[dict[str, Any]]:
        """The models in Hugging Face's cache on this machine: `name`, `path`, and `bytes`."""
        from chainkit_providers.transformers.pulling import pulled

        return pulled()

    def pull(self, model: str, *, progress: Callable[[int, int], object] | None = None, force: bool = False) -> Any:
        """Fetch a model into Hugging Face's own cache. `progress(done, total)` is told the bytes."""
        from chainkit_providers.transformers.pulling import pull

        return pull(source.find(model), progress, force=force)


def _kinds(architectures: list[str] | None) -> frozenset[str]:
    """What a model is asked for, by the class that its makers trained."""
    names = architectures or []
    if any(n.endswith("ForSequenceClassification") for n in names):
        return frozenset({"classify"})
    if any(n.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")) for n in names):
        return _CAUSAL
    return frozenset({"embed"}) if names else _ALL


provider = Transformers()
