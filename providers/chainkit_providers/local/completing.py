"""Completion by a model in this process: a raw text in, past its chat template."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest
from chainkit.models.settled import settle
from chainkit_providers.openai.completing import LLAMA
from chainkit_providers.openai.completions import Completing, Completions
from chainkit_providers.openai.completions_reply import CompletionFold
from chainkit_providers.openai.fill import FAMILIES, Marks

if TYPE_CHECKING:
    from chainkit.models.completion import CompletionRequest
    from chainkit_providers.local.engine import Engine

ROW = Completing("local", LLAMA, fill="suffix", logprobs_least=1)


def encode(request: CompletionRequest) -> dict[str, Any]:
    """The body; a gap's `suffix` stands in it until the model is there to say how it marks gaps."""
    options = dict(request.options)
    body = Completions(ROW).encode(request, options)
    settle(request, options, f"local:{request.model}", tuple(ROW.takes))
    for name in ("stream", "stream_options"):
        body.pop(name, None)
    return body


def marked(engine: Engine, body: dict[str, Any]) -> dict[str, Any]:
    """The body with its gap marked as the model was trained. Raises BadRequest for a model that fills none."""
    if "suffix" not in body:
        return body
    family = _family(engine)
    if family is None:
        msg = f"{engine.path.name} fills no gaps: its vocabulary has no marks for them"
        raise BadRequest(msg, cure="use a model trained for it (qwen2.5-coder, starcoder2, codegemma)")
    rest = {k: v for k, v in body.items() if k != "suffix"}
    return rest | {"prompt": family.around(body["prompt"], body["suffix"])}


def fold(request: CompletionRequest) -> CompletionFold:
    """A fresh fold for one answer."""
    return CompletionFold(request, ROW)


@lru_cache(maxsize=16)
def _family(engine: Engine) -> Marks | None:
    """The marks of which each is one token of the model's vocabulary; two families may share theirs, not their order."""
    fit = [f for f in FAMILIES if all(len(engine.tokenize(mark)) == 1 for mark in f.vocabulary)]
    named = [f for f in fit if f.names.search(engine.path.name)]
    return next(iter(named or fit), None)
