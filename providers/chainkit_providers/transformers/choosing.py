"""How the next token is chosen: what changes a model's scores, in the order in which it does.

Sampling adds noise of Gumbel's distribution to the logarithms of the probabilities and takes the highest: the same as
drawing from them (https://arxiv.org/abs/1611.01144, section 2), from a generator of this answer alone. Torch's own
drawing takes from one generator of the whole process, so that no seed would hold where two models answer at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from chainkit.errors import BadRequest
from chainkit_providers.transformers import native
from chainkit_providers.transformers.grammar import Grammar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit_providers.transformers.loaded import Loaded

Step: TypeAlias = Callable[[Any, Any], Any]
"""(the tokens so far, a row for each answer; the scores of the next) -> new scores."""


def steps(loaded: Loaded, body: Mapping[str, Any], prompt: int, rows: int) -> list[Step]:
    """The steps that a body asks for. `prompt` tokens are no part of the answer. Raises BadRequest."""
    held = native.door("transformers")
    chosen: list[Step] = [_Bias(loaded, body["logit_bias"])] if body.get("logit_bias") else []
    settings = told(loaded, body)
    if settings["repeat_penalty"] not in (None, 1, 1.0):
        chosen.append(held.RepetitionPenaltyLogitsProcessor(float(settings["repeat_penalty"])))
    if body.get("no_repeat_ngram"):
        chosen.append(held.NoRepeatNGramLogitsProcessor(body["no_repeat_ngram"]))
    if body.get("min_tokens"):
        device = loaded.model.device
        chosen.append(held.MinNewTokensLengthLogitsProcessor(prompt, body["min_tokens"], loaded.ends, device=device))
    if "grammar" in body:
        chosen.append(Grammar(loaded, body["grammar"], prompt, rows))
    if settings["draws"] and body.get("num_beams", 1) == 1:
        chosen += _drawing(settings, body.get("seed"), loaded.model.device)
    return chosen


def told(loaded: Loaded, body: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for and, for the rest, what the model's makers recommend in its generation_config.json."""
    makers = loaded.model.generation_config
    asked = body.get("temperature")
    found = {
        "temperature": makers.temperature if asked is None else asked,
        "repeat_penalty": body.get("repeat_penalty", makers.repetition_penalty),
    }
    for name in ("top_k", "top_p", "min_p"):
        found[name] = body.get(name, getattr(makers, name, None))
    sampling = asked is not None or makers.do_sample or any(k in body for k in ("top_k", "top_p", "min_p"))
    return found | {"draws": bool(sampling) and asked != 0}


def _drawing(settings: Mapping[str, Any], seed: int | None, device: Any) -> list[Step]:
    held = native.door("transformers")
    warm, most, mass, least = (settings[k] for k in ("temperature", "top_k", "top_p", "min_p"))
    chosen: list[Step] = []
    if warm not in (None, 1, 1.0):
        chosen.append(held.TemperatureLogitsWarper(float(warm)))
    if most:
        chosen.append(held.TopKLogitsWarper(most))
    if mass is not None and mass < 1:
        chosen.append(held.TopPLogitsWarper(float(mass)))
    if least:
        chosen.append(held.MinPLogitsWarper(float(least)))
    return [*chosen, _Draw(seed, device)]


class _Draw:
    """See the module: noise of its own generator; the highest is then a draw."""

    def __init__(self, seed: int | None, device: Any) -> None:
        self._torch = native.door("torch")
        self._generator = self._torch.Generator(device=device)
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)

    def __call__(self, tokens: Any, scores: Any) -> Any:
        noise = self._torch.empty_like(scores, dtype=self._torch.float32).exponential_(generator=self._generator)
        return scores.float() - noise.log()


class _Bias:
    def __init__(self, loaded: Loaded, bias: Mapping[str, float]) -> None:
        size = loaded.model.config.get_text_config().vocab_size
        unfit = [token for token in bias if not str(token).isdecimal() or int(token) >= size]
        if unfit:
            msg = f"logit_bias: {unfit[0]!r} is no number of a token of {loaded.name}"
            raise BadRequest(msg, cure=f"its tokens have the numbers 0 to {size - 1}")
        self._bias = {int(token): value for token, value in bias.items()}

    def __call__(self, tokens: Any, scores: Any) -> Any:
        changed = scores.clone()
        for token, value in self._bias.items():
            changed[:, token] += value
        return changed
