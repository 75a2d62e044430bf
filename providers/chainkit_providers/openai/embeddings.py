"""The embeddings wire: `POST /embeddings`, spoken by OpenAI and by most gateways, with small differences."""

from __future__ import annotations

from array import array
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import byteorder
from typing import TYPE_CHECKING, Any, Literal

from chainkit.models.embed import Embeddings
from chainkit.usage import Usage
from chainkit_providers.openai.cost import told
from chainkit_providers.openai.dialect import Dialect, ToldCost
from chainkit_providers.payload import Json, inner, listed, malformed, whole
from chainkit_providers.task_wire import VendorWire, add_extra, move

if TYPE_CHECKING:
    from chainkit.models.embed import EmbedRequest


@dataclass(frozen=True)
class EmbeddingsWire(VendorWire):
    """Embeddings in one vendor's words.

    `options` maps ours to its fields, `tasks` our words for what the vectors are for to its words. `always` is sent
    with each request. `packed` is what a vector is that comes as base64: floats of 32 bits, or bytes with a sign.
    `cost` is where the vendor tells what an answer cost.
    """

    name: str = field(default="embed", init=False)
    place: str = "embeddings"
    options: Mapping[str, str] = field(default_factory=lambda: {"dimensions": "dimensions"})
    tasks: Mapping[str, str] = field(default_factory=dict[str, str])
    always: Mapping[str, Any] = field(default_factory=dict[str, Any])
    packed: Literal["f", "b"] = "f"
    cost: ToldCost | None = None

    @property
    def path(self) -> str:
        """Where to POST."""
        return self.prefix + self.place

    def encode(self, request: EmbedRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes what the vendor honours out of `options`."""
        body: Json = {"model": request.model, "input": list(request.texts), **self.always}
        if options.get("task") in self.tasks:
            options["task"] = self.tasks[options["task"]]
            move(options, {"task": self.options["task"]}, body)
        move(options, {k: v for k, v in self.options.items() if k != "task"}, body)
        add_extra(options, body)
        return body

    def decode(self, body: Any, request: EmbedRequest) -> Embeddings:
        """The vectors, in the order of the texts. Raises ReplyMalformed."""
        with self.reading("embeddings", body) as found:
            return self._read(found, body, request)

    def _read(self, found: Json, body: Any, request: EmbedRequest) -> Embeddings:
        rows = listed(found, "data")
        if len(rows) != len(request.texts):
            raise malformed("embeddings", body, f"vector for each of {len(request.texts)} texts, but {len(rows)}")
        rows = sorted(rows, key=lambda row: row.get("index") or 0)
        usage = inner(found, "usage")
        return Embeddings(
            vectors=tuple(self._vector(row.get("embedding"), body) for row in rows),
            usage=Usage(input=whole(usage.get("prompt_tokens") or usage.get("total_tokens"))),
            model=found.get("model"),
            raw=body,
            price=told(usage, Dialect(self.provider, cost=self.cost)),
        )

    def _vector(self, given: Any, body: Any) -> list[float]:
        if isinstance(given, list):
            return given  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(given, str):
            raise malformed("embeddings", body, "embedding")
        return unpacked(given, self.packed)


def unpacked(text: str, packed: Literal["f", "b"] = "f") -> list[float]:
    """A vector that came as base64: a quarter of the bytes of its digits."""
    if packed == "b":
        return [float(n) for n in array("b", b64decode(text))]
    numbers = array("f", b64decode(text))
    if byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()
