"""Models that know nothing: random weights and a tokenizer trained on three sentences, made in a tenth of a second."""

from __future__ import annotations

from typing import Any

TEXT = [
    "The capital of Germany is Berlin. The weather in Paris is fine, and so is the weather in Rome!",
    '{"name": "get_weather", "arguments": {"city": "Paris"}} 0 1 2 3 4 5 6 7 8 9 true false null',
    "system user assistant tool: Grüße aus Köln, ein süßes Öl. 日本語 \n\n <think> </think> <tool_call> </tool_call>",
]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(template: str | None = TEMPLATE, *marks: str) -> Any:
    """Bytes and some pairs of them, so that every text has tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made: Any = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|end|>", "<|im_start|>", "<|im_end|>", *marks],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|end|>", chat_template=template
    )


def causal(seed: int = 0, *, context: int = 1024, **settings: Any) -> Any:
    """A model that writes anything: two layers, 32 wide."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
        **settings,
    )
    return LlamaForCausalLM(config)


def classifier(labels: list[str], seed: int = 0) -> Any:
    """A model that tells anything apart."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        pad_token_id=0,
        id2label=dict(enumerate(labels)),
        label2id={label: at for at, label in enumerate(labels)},
    )
    return BertForSequenceClassification(config)
