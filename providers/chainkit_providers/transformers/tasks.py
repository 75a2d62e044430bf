"""What models in this process answer besides chats: texts classified, and texts embedded."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from chainkit.errors import BadRequest
from chainkit.models.classify import Classification
from chainkit.models.embed import Embeddings
from chainkit.usage import FREE, Usage
from chainkit_providers.transformers import native, source
from chainkit_providers.transformers.encoding import task_options

if TYPE_CHECKING:
    from chainkit.models.classify import ClassifyRequest
    from chainkit.models.embed import EmbedRequest
    from chainkit.usage import Cost
    from chainkit_providers.local.places import Ticket
    from chainkit_providers.transformers.loaded import Loaded

_TOGETHER = 16
"""Texts of one pass through a model."""
_HUGE = 1 << 20
"""Where a tokenizer names no length it names a number beyond all sense."""


def classify(loaded: Loaded, request: ClassifyRequest, ticket: Ticket) -> Classification:
    """The labels that the model was trained for; or `labels`, by a model trained to tell whether one text follows from another."""
    asked = task_options(request, "labels")
    labels = asked.pop("labels", None)
    if not type(loaded.model).__name__.endswith("ForSequenceClassification"):
        msg = f"{loaded.name} was not made to classify: it is a {type(loaded.model).__name__}"
        raise BadRequest(msg, cure="load it with AutoModelForSequenceClassification, or ask another model")
    with loaded.turn(ticket):
        read = _within(loaded, [request.text], request)
        scores = (
            _labelled(loaded, request.text) if labels is None else _by_any(loaded, request.text, list(labels), asked)
        )
    ranked = dict(sorted(scores.items(), key=lambda item: -item[1]))
    return Classification(
        label=next(iter(ranked)),
        scores=ranked,
        usage=Usage(input=sum(read)),
        model=request.model,
        warnings=tuple(request.warnings),
        price=_nothing,
    )


def _labelled(loaded: Loaded, text: str) -> dict[str, float]:
    told = _pipeline(loaded, "text-classification")(text, top_k=None, truncation=True)
    return {item["label"]: float(item["score"]) for item in told}


def _by_any(loaded: Loaded, text: str, labels: list[str], asked: Mapping[str, Any]) -> dict[str, float]:
    if not any(word.lower().startswith("entail") for word in loaded.model.config.label2id):
        msg = f"{loaded.name} has labels of its own: {', '.join(loaded.model.config.label2id)}"
        raise BadRequest(msg, cure="leave labels= out, or ask a model trained on entailment (NLI)")
    told = _pipeline(loaded, "zero-shot-classification")(text, candidate_labels=labels, **asked)
    return dict(zip(told["labels"], map(float, told["scores"]), strict=True))


def _pipeline(loaded: Loaded, task: str) -> Any:
    if task not in loaded.kept:
        make = native.door("transformers").pipeline
        loaded.kept[task] = make(task, model=loaded.model, tokenizer=loaded.tokenizer, device=loaded.model.device)
    return loaded.kept[task]


def embed(loaded: Loaded, request: EmbedRequest, ticket: Ticket) -> Embeddings:
    """One vector of length 1 for each text, made of its tokens' last vectors."""
    asked = task_options(request, "task")
    folder = _Folder(loaded)
    texts = [folder.before(asked.get("task", "document")) + text for text in request.texts]
    pooling: str = asked.get("pooling") or folder.pooling
    with loaded.turn(ticket):
        read = _within(loaded, texts, request)
        # Texts of like length go together: a pass is as long as its longest text.
        order = sorted(range(len(texts)), key=lambda i: read[i])
        found: list[Any] = [None] * len(texts)
        for start in range(0, len(order), _TOGETHER):
            some = order[start : start + _TOGETHER]
            for at, vector in zip(some, _vectors(loaded, [texts[i] for i in some], pooling), strict=True):
                found[at] = array("f", vector)
    return Embeddings(
        vectors=tuple(found),
        usage=Usage(input=sum(read)),
        model=request.model,
        warnings=tuple(request.warnings),
        price=_nothing,
    )


def _vectors(loaded: Loaded, texts: list[str], pooling: str) -> Any:
    torch = native.door("torch")
    if loaded.tokenizer.pad_token is None:
        loaded.tokenizer.pad_token = loaded.tokenizer.eos_token
    limit = _limit(loaded)
    fed = loaded.tokenizer(
        texts, padding=True, padding_side="right", truncation=limit is not None, max_length=limit, return_tensors="pt"
    )
    fed = fed.to(loaded.model.device)
    with torch.inference_mode():
        hidden = loaded.model(**fed, output_hidden_states=True).hidden_states[-1].float()
        mask = fed["attention_mask"].unsqueeze(-1)
        if pooling == "cls":
            pooled = hidden[:, 0]
        elif pooling == "last":
            last = (mask.squeeze(-1).sum(1) - 1).long()
            pooled = hidden[torch.arange(len(texts), device=hidden.device), last]
        else:
            pooled = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(pooled, dim=-1).tolist()


class _Folder:
    """What the folder of a model of sentence-transformers says of pooling, and of words before a text."""

    def __init__(self, loaded: Loaded) -> None:
        place = loaded.source
        told = source.beside(place, "1_Pooling/config.json") if place is not None else {}
        self._prompts: dict[str, Any] = (
            source.beside(place, "config_sentence_transformers.json").get("prompts", {}) if place else {}
        )
        self.pooling = (
            "cls" if told.get("pooling_mode_cls_token") else "last" if told.get("pooling_mode_lasttoken") else "mean"
        )

    def before(self, task: str) -> str:
        """The words that go before a text for that task; empty where the model knows none."""
        names = {"query": ("query",), "document": ("document", "passage")}.get(task, (task,))
        return next((self._prompts[n] for n in names if self._prompts.get(n)), "")


def _within(loaded: Loaded, texts: list[str], request: Any) -> list[int]:
    """How many tokens of each text are read; a warning where that is not all of it."""
    limit = _limit(loaded)
    counts = [len(ids) for ids in loaded.tokenizer(texts, verbose=False)["input_ids"]] if texts else []
    for at, tokens in enumerate(counts):
        if limit is not None and tokens > limit:
            request.warn(f"text {at} has {tokens} tokens, of which {loaded.name} reads the first {limit}")
    return [min(c, limit or c) for c in counts]


def _limit(loaded: Loaded) -> int | None:
    told = [loaded.context, loaded.tokenizer.model_max_length]
    return min((n for n in told if n is not None and n < _HUGE), default=None)


def _nothing(_: Usage) -> Cost:
    return FREE


def shown(request: Any) -> dict[str, Any]:
    """The request as `.render(x)` shows it."""
    what = {"text": request.text} if request.kind == "classify" else {"texts": list(request.texts)}
    taken = ("labels",) if request.kind == "classify" else ("task",)
    return what | task_options(request, *taken)


_Task: TypeAlias = Callable[[Any, Any, Any], Any]
TASKS: Mapping[str, _Task] = MappingProxyType({"classify": classify, "embed": embed})
