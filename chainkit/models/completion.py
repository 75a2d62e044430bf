"""Completion: a text in, and the text that follows it. For base models, which know no chat, and for filling gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack, get_type_hints

from chainkit.chain import Chain
from chainkit.errors import BadRequest, CompositionError, did_you_mean
from chainkit.messages import Message, Messages, Text
from chainkit.models.chat import listening
from chainkit.models.provider import Account
from chainkit.models.reached import ATTEMPTS, Reach, reached
from chainkit.models.reply import Reply
from chainkit.models.request import ChatRequest
from chainkit.models.resolve import resolve
from chainkit.models.sending import sent
from chainkit.run.call import Tries

if TYPE_CHECKING:
    from chainkit.models.resolve import Resolved
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame


@dataclass(frozen=True, slots=True)
class Fill:
    """A gap to be filled: the text before it and the text behind it. The answer is what stands between."""

    prefix: str
    suffix: str


@dataclass(slots=True)
class CompletionRequest(ChatRequest):
    """A text to be gone on with. `suffix` is what follows the gap; None where there is none.

    `messages` hold the same text as one turn, for stand-ins that read turns; a wire sends `prefix` as it is.
    Options beside those of a chat: `prompt_logprobs`, `best_of`.
    """

    kind: ClassVar[str] = "complete"

    prefix: str = ""
    suffix: str | None = None

    @property
    def size(self) -> int:
        """Characters that the model reads."""
        return len(self.prefix) + len(self.suffix or "")


class CompletionOptions(Reach, total=False):
    """Options of a completion. What a model cannot honour raises before sending; it never vanishes."""

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    max_tokens: int
    stop: str | Sequence[str]
    seed: int
    frequency_penalty: float
    presence_penalty: float
    repeat_penalty: float
    logit_bias: Mapping[str, float]
    logprobs: int
    """`Reply.logprobs`: each token's own, and so many alternatives beside it."""
    prompt_logprobs: int
    """`Reply.prompt_logprobs`: the same for the tokens of the prompt. Such an answer comes in one piece."""
    n: int
    best_of: int
    """So many are written on the server, and the most likely come back, in one piece."""
    user: str
    grammar: str
    extra: Mapping[str, Any]
    vendor: Mapping[str, Any]
    unsupported: Literal["raise", "warn"]


@dataclass(frozen=True, repr=False)
class CompletionModel(Chain[Any, Any]):
    """A model that goes on with a text, and how to reach it."""

    spec: str
    account: Account
    options: tuple[tuple[str, Any], ...] = ()
    attempts: int = ATTEMPTS
    lenient: bool = False

    @property
    def in_type(self) -> Any:
        return str | Fill | Messages

    @property
    def out_type(self) -> Any:
        return Reply

    @property
    def label(self) -> str:
        return f"completion {self.spec}"

    def __hash__(self) -> int:
        return hash(("complete", self.spec, self.account.provider, self.account.base_url, self.attempts))

    def __getstate__(self) -> dict[str, Any]:
        """Without the backend that was opened here: another process opens its own."""
        return {k: v for k, v in super().__getstate__().items() if k != "_resolved"}

    def compile(self, place: Place) -> Core:
        path, tail = place.path, place.tail

        async def run(frame: Frame, value: Any) -> Any:
            prefix, suffix = _asked(value)
            resolved = resolve(self, frame.run)
            tries = Tries(frame.attempts or self.attempts)
            if "complete" not in resolved.profile.kinds:
                raise tries.spend(_cannot(resolved))
            listener = listening(frame, path, tail=tail)
            request = CompletionRequest(
                resolved.model,
                Messages((Message("user", (Text(prefix),)),)),
                dict(self.options),
                stream=listener is not None,
                lenient=self.lenient,
                prefix=prefix,
                suffix=suffix,
            )
            return await sent(resolved, request, frame, path, tries, listener)

        return run


def _asked(value: Any) -> tuple[str, str | None]:
    """The text before the gap, and the text behind it where there is a gap."""
    if isinstance(value, str):
        return value, None
    if isinstance(value, Fill):
        return value.prefix, value.suffix
    if isinstance(value, Reply):
        return value.text, None
    if isinstance(value, Messages) and len(value) == 1 and all(isinstance(p, Text) for p in value[0].parts):
        return value[0].text, None
    kind = f"{len(value)} messages" if isinstance(value, Messages) else f"{type(value).__name__}: {value!r:.60}"
    msg = f"a completion takes a text or a Fill(prefix, suffix), and got {kind}"
    raise CompositionError(msg, cure="it knows no turns: write them into one text, or ask a chat model with model(...)")


def _cannot(resolved: Resolved) -> BadRequest:
    kinds = ", ".join(sorted(resolved.profile.kinds)) or "nothing"
    msg = f"{resolved.provider}:{resolved.model} completes no raw text (it is asked for: {kinds}); nothing was sent"
    return BadRequest(msg, cure="ask it with model(...), or name a base model here")


_REACH = frozenset(get_type_hints(Reach))
_OPTIONS = frozenset(get_type_hints(CompletionOptions)) - _REACH - {"unsupported"}


def completion(spec: str, **options: Unpack[CompletionOptions]) -> Chain[str | Fill | Messages, Reply]:
    """A model that goes on with a text as it stands: no turns, no chat template. A `Reply` comes back.

    A text in gives what follows it, a `Fill(prefix, suffix)` what stands between the two. `stop` ends the answer
    before a text, `logprobs=k` tells how likely each token was, `n` asks for several answers (`Reply.choices`).
    An option or a gap that the model cannot honour raises BadRequest before anything is sent. Raises
    CompositionError for a bad spec or option, UnknownModel for an unknown provider.
    """
    given: dict[str, Any] = dict(options)
    unsupported = given.pop("unsupported", "raise")
    if unsupported not in ("raise", "warn"):
        raise CompositionError(f"unsupported={unsupported!r} is neither 'raise' nor 'warn'")
    reach = {name: given.pop(name) for name in _REACH & given.keys()}
    for name in given:
        if name not in _OPTIONS:
            near = did_you_mean(name, sorted(_OPTIONS | _REACH))
            raise CompositionError(f"completion() has no option {name!r}", cure=near)
    kept = tuple(sorted((k, v) for k, v in given.items() if v is not None))
    attempts = reach.get("attempts", ATTEMPTS)
    return CompletionModel(spec, reached(spec, **reach), kept, attempts, unsupported == "warn")
