"""A real model, SmolLM2 with 135 million parameters, out of the GGUF file that `local:` uses as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from chainkit import completion, embedder, model
from chainkit.models.request import ToolSpec

pytestmark = [pytest.mark.local, pytest.mark.slow]

WEATHER = ToolSpec(
    "get_weather", "Get the weather for a city",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
)  # fmt: skip


class City(BaseModel):
    name: str
    country: str


@pytest.fixture(scope="module")
def spec(torch: Any) -> str:
    from chainkit_providers.local.catalog import find
    from chainkit_providers.local.files import place

    path: Path = place(find("smollm2-135m"))
    if not path.is_file():
        pytest.skip("the real model is not here: chainkit pull smollm2-135m")
    return f"transformers:{path}"


def test_it_knows_the_capital_of_germany_in_every_form(spec: str) -> None:
    chain = model(spec, temperature=0, max_tokens=12)
    reply = chain.invoke("What is the capital of Germany?")
    assert (reply.text, reply.finish_reason) == ("The capital of Germany is Berlin.", "stop")
    assert (reply.usage.input, reply.usage.output) == (37, 8)
    assert list(chain.stream("What is the capital of Germany?"))[:3] == ["The", " capital", " of"]
    beamed = model(spec, max_tokens=12, n=2, vendor={"transformers_num_beams": 2}).invoke(
        "What is the capital of Germany?"
    )
    assert beamed.text == reply.text
    assert beamed.raw["score"] > beamed.choices[0].raw["score"]
    assert completion(spec, temperature=0, max_tokens=4, stop=".").invoke("The capital of France is").text == " Paris"


def test_it_calls_a_tool_and_fills_a_form(spec: str) -> None:
    chain = model(spec, tools=[WEATHER], tool_choice="required", temperature=0, max_tokens=60)
    (call,) = chain.invoke("What is the weather in Paris?").tool_calls
    assert dict(call.arguments) == {"city": "Paris"}
    filled = model(spec, output=City, temperature=0, max_tokens=40).invoke("Tell me about Berlin.")
    assert filled == City(name="Berlin", country="Germany")


def test_its_vectors_have_its_width(spec: str) -> None:
    assert len(embedder(spec).invoke("Berlin").vector) == 576
