"""What only Cohere takes: `model("cohere:...", vendor={"cohere_documents": [...]})`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from chainkit.models.vendor import At


class CohereOptions(TypedDict, total=False):
    """Options of chat beside the common ones."""

    cohere_documents: Annotated[Sequence[str | Mapping[str, Any]], At("documents")]
    """Texts to answer from; what is taken from them is cited in `Reply.citations`."""
    cohere_citations: Annotated[Literal["fast", "accurate", "off"], At("citation_options.mode")]
    cohere_safety_mode: Annotated[Literal["CONTEXTUAL", "STRICT", "OFF"], At("safety_mode")]
    cohere_strict_tools: Annotated[bool, At("strict_tools")]
    cohere_priority: Annotated[int, At("priority")]
