"""What only Hugging Face's servers take."""

from __future__ import annotations

from typing import Annotated, TypedDict

from chainkit.models.vendor import At


class HfOptions(TypedDict, total=False):
    """Options of Hugging Face alone: `embedder(..., vendor={"hf_prompt_name": "query"})`."""

    hf_prompt_name: str
    """Embedding: the prompt that the model's own configuration names so ("query", "document")."""
    hf_normalize: bool
    """Embedding: vectors of length 1."""
    hf_truncate: bool
    """Embedding, reranking, classification: cut a text that is too long. Unasked it is refused."""
    hf_raw_scores: bool
    """Reranking, classification: the model's own numbers instead of 0 to 1."""
    hf_adapter_id: Annotated[str, At("parameters.adapter_id")]
    """Completion: one of the server's LoRA adapters."""
    hf_typical_p: Annotated[float, At("parameters.typical_p")]
    hf_watermark: Annotated[bool, At("parameters.watermark")]
    hf_hypothesis_template: Annotated[str, At("parameters.hypothesis_template")]
    """Classification by any labels: the sentence each is put into, as "This text is about {}."."""
    hf_multi_label: Annotated[bool, At("parameters.multi_label")]
    """Classification by any labels: each has a score of its own; unasked they add up to 1."""
