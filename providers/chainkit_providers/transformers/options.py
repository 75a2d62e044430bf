"""What only models in this process take."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class TransformersOptions(TypedDict, total=False):
    """Options of `transformers:` alone: `model(..., vendor={"transformers_num_beams": 4})`."""

    transformers_num_beams: int
    """Beam search: so many answers are followed side by side, and the most likely come back; `n` says how many."""
    transformers_length_penalty: float
    """Beam search: above 0 longer answers win, below 0 shorter ones."""
    transformers_early_stopping: bool
    """Beam search: end once there are as many whole answers as beams."""
    transformers_no_repeat_ngram: int
    """No run of so many tokens comes twice, the prompt included."""
    transformers_min_tokens: int
    """The answer does not end before."""
    transformers_template: dict[str, Any]
    """Given to the chat template beside the messages, such as `{"enable_thinking": False}`."""
    transformers_hypothesis_template: str
    """Classification by any labels: the sentence each is put into, as "This text is about {}."."""
    transformers_multi_label: bool
    """Classification by any labels: each has a score of its own; unasked they add up to 1."""
    transformers_pooling: Literal["mean", "cls", "last"]
    """Embedding: how the vectors of a text's tokens become one; unasked as the model's folder says, else their mean."""
