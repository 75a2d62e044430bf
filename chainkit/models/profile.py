"""What a model can do and what it costs, as far as anybody says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainkit.output.dialect import Dialect

if TYPE_CHECKING:
    from chainkit.models.prices import Prices


_FORMS = ("native", "json")
"""The ways that hold a model to a form."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Capabilities of one model. `None` means nobody says.

    `output` are the ways to ask for structured output, best first: `native` (a schema the vendor
    enforces), `tool` (a forced tool call), `grammar` (a local grammar), `json` (valid JSON of any shape),
    `prompt` (asked for in words). `schema` is the dialect such a schema must keep to, or its name.
    `options` are the names of the options it honours; None where any may be sent. `kinds` are what it is
    asked for: `chat`, `complete`, `embed`, `rerank`, `image`, `transcribe`, `speak`, `classify`. `media` are the
    kinds of part it reads, `fetches` those whose URL the vendor opens itself. `most` is how many items one
    request may hold, where it takes many, and `room` how many tokens they may have together. `priced_as` is the provider's name on the price list where it has
    another there. `joint` says that one request may hold both tools and a form that its answer must have.
    """

    provider: str
    model: str
    context: int | None = None
    max_output: int | None = None
    output: tuple[str, ...] = ("prompt",)
    schema: str | Dialect = "strict"
    tools: bool = True
    vision: bool = False
    usage_in_stream: bool = True
    options: frozenset[str] | None = None
    local: bool = False
    kinds: frozenset[str] = frozenset({"chat"})
    media: frozenset[str] | None = None
    fetches: frozenset[str] = frozenset({"image"})
    reasoning: bool | None = None
    most: int | None = None
    room: int | None = None
    priced_as: str | None = None
    joint: bool = True

    @property
    def beside_tools(self) -> tuple[str, ...]:
        """The ways to ask for structured output that are left where tools are offered too."""
        return self.output if self.joint else tuple(way for way in self.output if way not in _FORMS)

    @property
    def prices(self) -> Prices | None:
        """What the price list says of the model, with its day; None where it says nothing, or the model is local."""
        if self.local:
            return None
        from chainkit.models.prices import prices

        return prices(self.priced_as or self.provider, self.model)
