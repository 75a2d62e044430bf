"""Options that one vendor alone has are typed, put where its wire wants them, and refused everywhere else."""

from __future__ import annotations

from typing import Any

import pytest

from chainkit import model
from chainkit.errors import BadRequest
from chainkit_providers.anthropic import AnthropicOptions
from chainkit_providers.cohere import CohereOptions

KEY = "k" * 8


def body(spec: str, vendor: Any, **options: Any) -> Any:
    return model(spec, api_key=KEY, vendor=vendor, **options).render("hi")[0].body


def test_coheres_stand_where_its_chat_wants_them() -> None:
    told = body(
        "cohere:command-a-03-2025",
        CohereOptions(
            cohere_documents=["a", {"data": {"text": "b"}}], cohere_citations="fast", cohere_safety_mode="STRICT"
        ),
    )
    assert told["documents"] == ["a", {"data": {"text": "b"}}]
    assert told["citation_options"] == {"mode": "fast"}
    assert told["safety_mode"] == "STRICT"


def test_anthropics_server_tools_stand_beside_ours() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    told = body("anthropic:claude-haiku-4-5", AnthropicOptions(anthropic_server_tools=[search]), max_tokens=9)
    assert told["tools"] == [search]


def test_a_prompt_is_kept_by_the_vendors_own_mark() -> None:
    short, long = (
        model("anthropic:claude-haiku-4-5", api_key=KEY, prompt_cache=kept).render("hi")[0].body["cache_control"]
        for kept in ("short", "long")
    )
    assert (short, long) == ({"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"})


@pytest.mark.parametrize(
    ("vendor", "said"),
    [({"cohere_safety_mode": "STRICT"}, "no vendor option 'cohere_safety_mode'"),
     ({"anthropic_sped": "fast"}, "did you mean 'anthropic_speed'"), ({"anthropic_speed": "slow"}, "vendor option anthropic_speed")],
    ids=["another vendor's", "misspelt", "a wrong value"],
)  # fmt: skip
def test_what_it_has_not_is_refused_before_anything_is_sent(vendor: Any, said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        body("anthropic:claude-haiku-4-5", vendor, max_tokens=9)
    assert said in str(caught.value)
