"""A model of transformers in memory, with its tokenizer; and those of this process, one for each name and kind.

Everything here blocks, and is called from a thread of its own.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from chainkit.errors import BadRequest, ChainkitError, ProviderError
from chainkit_providers.local.places import Places, Ticket
from chainkit_providers.transformers import native, source

if TYPE_CHECKING:
    from collections.abc import Generator

    from chainkit_providers.transformers.source import Source

Kind: TypeAlias = Literal["chat", "classify", "embed"]
_CLASSES = {"chat": "AutoModelForCausalLM", "classify": "AutoModelForSequenceClassification", "embed": "AutoModel"}
_WORDS = {"chat": "write text", "classify": "classify", "embed": "embed"}


class GivenUp(Exception):
    """Nobody waits for the answer any more."""


class Loaded:
    """A model and its tokenizer, as transformers loads them.

    Give one as `model("transformers:mine", client=Loaded(model, tokenizer))` to choose its device, its precision, an
    adapter, or code of its own. It answers one request at a time.
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str = "the model handed over") -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.source: Source | None = None
        self.kept: dict[str, Any] = {}
        """What is made of it once: a grammar's vocabulary, pipelines."""
        self.context: int | None = source.context_of(model.config.to_dict())
        """The tokens that the model was made for; None where it does not say."""
        self._places = Places(1)
        if self.context is not None:
            # Many do not know how long a text their model reads.
            tokenizer.model_max_length = min(tokenizer.model_max_length, self.context)

    def __repr__(self) -> str:
        return f"Loaded({type(self.model).__name__}, {self.name!r})"

    @property
    def ends(self) -> list[int]:
        """The tokens that end an answer."""
        told = self.model.generation_config.eos_token_id
        listed: list[int] = [] if told is None else [told] if isinstance(told, int) else list(told)
        own = self.tokenizer.eos_token_id
        return listed if own is None or own in listed else [*listed, own]

    @contextmanager
    def turn(self, ticket: Ticket) -> Generator[None]:
        """The model alone, when its turn has come. Raises GivenUp once the ticket is cancelled, between any two layers."""
        if not self._places.take(ticket):
            raise GivenUp
        hooks = [layer.register_forward_pre_hook(_watching(ticket)) for layer in self._layers()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            self._places.give(ticket)

    def _layers(self) -> list[Any]:
        listed = native.door("torch").nn.ModuleList
        return [layer for held in self.model.modules() if isinstance(held, listed) for layer in held]


def _watching(ticket: Ticket) -> Any:
    def look(*_: Any) -> None:
        if ticket.cancelled:
            raise GivenUp

    return look


_lock = threading.Lock()
_one_load = threading.Lock()
"""What keeps transformers quiet is one switch for all; besides, two loads at once are no faster."""
_loading: dict[tuple[str, Kind], threading.Lock] = {}
_held: dict[tuple[str, Kind], Loaded] = {}


def loaded(name: str, kind: Kind) -> Loaded:
    """The model of that name for that kind of request, loaded once for this process.

    Raises UnknownModel where it is not here, BadRequest where it is a model of another kind, ProviderError.
    """
    key = (name, kind)
    with _lock:
        mine = _loading.setdefault(key, threading.Lock())
    with mine:
        if key not in _held:
            _held[key] = _load(source.find(name), kind)
        return _held[key]


def forget() -> None:
    """Let go of every model that was loaded by its name, and of its memory. Each loads again when it is called."""
    with _lock:
        _held.clear()


def _load(place: Source, kind: Kind) -> Loaded:
    native.check_installed()
    source.check(place)
    if place.file is not None and kind == "classify":
        raise BadRequest(f"transformers:{place.name}: a GGUF file holds no classifier", cure="name its folder instead")
    with _one_load, _quiet():
        try:
            model, tokenizer = _read(place, kind)
        except ChainkitError:
            raise
        except Exception as error:
            raise _failed(place, kind, error) from error
    found = Loaded(model.to(_device()), tokenizer, name=place.name)
    found.source = place
    return found


def _read(place: Source, kind: Kind) -> tuple[Any, Any]:
    transformers = native.door("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(place.where, **place.arguments)
    model, told = getattr(transformers, _CLASSES[kind]).from_pretrained(
        place.where, dtype=_precision(), output_loading_info=True, **place.arguments
    )
    missing = sorted(told["missing_keys"])
    # Without this question transformers would fill in random numbers, and the model answer nonsense.
    if missing and not (kind == "embed" and all("pooler" in key for key in missing)):
        msg = f"transformers:{place.name} was not made to {_WORDS[kind]}: it lacks {missing[0]}"
        raise BadRequest(msg, cure="ask a model that was trained for it")
    return model, tokenizer


def _precision() -> Any:
    named = os.environ.get("CHAINKIT_TRANSFORMERS_DTYPE", "auto")
    torch = native.door("torch")
    if named != "auto" and not isinstance(getattr(torch, named, None), torch.dtype):
        msg = f"CHAINKIT_TRANSFORMERS_DTYPE={named!r} is none of torch's types"
        raise ChainkitError(msg, cure="for example CHAINKIT_TRANSFORMERS_DTYPE=bfloat16, or float32")
    return named if named == "auto" else getattr(torch, named)


def _device() -> str:
    named = os.environ.get("CHAINKIT_TRANSFORMERS_DEVICE")
    torch = native.door("torch")
    if named:
        return named
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _failed(place: Source, kind: Kind, error: Exception) -> ProviderError:
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    msg = f"transformers:{place.name} could not be loaded to {_WORDS[kind]} ({type(error).__name__}): {said:.300}"
    if isinstance(error, ImportError):
        return ProviderError(msg, cure="install what it names")
    if isinstance(error, OSError):
        return ProviderError(msg, cure=f"chainkit pull transformers:{place.name} --force, or look into {place.where}")
    return BadRequest(msg, cure="a model of this kind may need a newer transformers, or is for another kind of request")


@contextmanager
def _quiet() -> Generator[None]:
    """Without progress bars and reports: they would stand between a program's own lines, and a bar leaves a thread.

    What is wrong with a model is told by an error.
    """
    told = native.door("transformers").utils.logging
    # This one asks nobody whether it is wanted.
    gguf = native.door("transformers.modeling_gguf_pytorch_utils")
    shown, bar, loud = told.is_progress_bar_enabled(), getattr(gguf, "tqdm", None), told.get_verbosity()
    told.disable_progress_bar()
    told.set_verbosity_error()
    gguf.tqdm = _unseen
    try:
        yield
    finally:
        gguf.tqdm = bar
        told.set_verbosity(loud)
        if shown:
            told.enable_progress_bar()


def _unseen(items: Any, **_: Any) -> Any:
    return items


def _after_fork() -> None:
    """A lock that another thread held at the fork is held for ever; so may be one inside of torch."""
    global _lock, _one_load
    _lock, _one_load = threading.Lock(), threading.Lock()
    _loading.clear()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
