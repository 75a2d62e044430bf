"""Chat models: options, tools, stand-ins, what is sent and what is refused before sending."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from chainkit import Run, message, model, profile
from chainkit.errors import BadRequest, CompositionError, UnknownModel
from chainkit.models.profile import Profile
from chainkit.models.request import ToolSpec
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

KEY = "sk-very-secret-0123456789"
LOOK = ToolSpec("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})


def rendered(spec: str, value: Any = "hi", **options: Any) -> Any:
    return model(spec, **options).render(value)[0]


# What is refused when a model is made.


@pytest.mark.parametrize(
    ("options", "words"),
    [({"temprature": 0}, ["model() has no option 'temprature'", "did you mean 'temperature'?", "extra={...}"]),
     ({"max_token": 1}, ["'max_tokens'"]), ({"carrier": "pigeon"}, ["carrier='pigeon'", "httpx"]), ({"attempts": 0}, ["at least 1"]),
     ({"tools": ["look"]}, ["a tool is a ToolSpec", "'look'"])],
)  # fmt: skip
def test_an_option_that_does_not_exist_is_refused_with_the_nearest_one(options: Any, words: list[str]) -> None:
    with pytest.raises(CompositionError) as caught:
        model("openai:gpt-4o", **options)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "spec", ["gpt-4o", "", ":x", "openai:", "say: hello there"[:4], "what is this: a text", "two words:x"]
)
def test_a_string_that_is_no_model_says_what_to_write_instead(spec: str) -> None:
    with pytest.raises(CompositionError, match="is no model: a model is written 'provider:name'") as caught:
        model(spec)
    assert "prompt(" in caught.value.cure


def test_an_unknown_provider_is_said_with_the_nearest_before_anything_is_sent() -> None:
    with pytest.raises(UnknownModel, match="'openai'"):
        model("opnai:gpt-4o").invoke("hi")


@pytest.mark.parametrize(
    "spec", ["openai:gpt-4o", "anthropic:claude-sonnet-4-5", "cohere:command-a-03-2025", "groq:llama-3.3-70b-versatile"]
)
def test_an_option_that_a_provider_cannot_honour_raises_before_sending_and_names_what_it_takes(spec: str) -> None:
    with Run() as run, pytest.raises(BadRequest) as caught:
        model(spec, repeat_penalty=1.1, api_key=KEY).invoke("hi")
    said = str(caught.value)
    assert "'repeat_penalty'" in said
    assert "nothing was sent" in said
    assert "temperature" in said
    assert KEY not in said
    assert [r.outcome for r in run.rows] in ([], ["error"])


@pytest.mark.parametrize("spec", ["openai:gpt-4o", "anthropic:claude-sonnet-4-5", "cohere:command-a-03-2025"])
def test_vendor_fields_are_sent_as_they_are(spec: str) -> None:
    assert rendered(spec, api_key=KEY, extra={"brand_new": 1}).body["brand_new"] == 1


# Identity and secrets.


def test_models_are_equal_by_what_they_are_and_no_key_shows() -> None:
    one, same, other = (model("openai:gpt-4o", temperature=t, api_key=KEY) for t in (0, 0, 1))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert len({one, same, other}) == 2
    for text in (
        repr(one),
        str(one.graph()),
        one.graph().svg(),
        one.graph().mermaid(),
        str(one.dump()),
        repr(one.account),
    ):
        assert KEY not in text
    assert KEY not in repr(one.render("hi"))


@pytest.mark.parametrize("schema", [{"type": "object", "properties": {"a": {"type": "integer"}}}])
def test_a_json_schema_as_output_compares_by_content(schema: dict[str, Any]) -> None:
    assert model("openai:a", output=schema) == model("openai:a", output=dict(schema))
    assert hash(model("openai:a", output=schema)) == hash(model("openai:a", output=dict(schema)))
    assert model("openai:a", output=schema) != model("openai:a", output={"type": "object"})


def test_a_model_with_a_list_as_an_option_can_be_hashed() -> None:
    assert hash(model("openai:a", stop=["x"], logit_bias={"1": 2.0})) == hash(
        model("openai:a", stop=["x"], logit_bias={"1": 2.0})
    )


def test_chains_can_be_pickled_and_are_still_equal() -> None:
    chain = (model("openai:gpt-4o", temperature=0) | len_of).named("answer").retry(2)
    chain.render("hi")
    assert pickle.loads(pickle.dumps(chain)) == chain


def len_of(reply: Any) -> int:
    return len(str(reply))


# What goes in.


@pytest.mark.parametrize(
    ("value", "words"),
    [(7, ["got int: 7"]), ({"a": 1}, ["got dict", "put a prompt(...) before the model"]), (None, ["got NoneType"]),
     ([], ["got list"]), (["hi"], ["got list"])],
)  # fmt: skip
def test_an_input_that_is_no_message_says_what_to_put_before_the_model(value: Any, words: list[str]) -> None:
    with pytest.raises(CompositionError) as caught:
        m("a").invoke(value)
    assert "a model takes a string or messages" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_text_a_message_and_messages_are_sent_alike() -> None:
    one = m("a")
    for value in ("hi", message("user", "hi"), [message("user", "hi")]):
        one.invoke(value)
    assert len({s.messages for s in one.seen}) == 1


def test_tools_are_offered_and_not_run() -> None:
    body = rendered("openai:gpt-4o", api_key=KEY, tools=[LOOK]).body
    assert body["tools"][0]["function"]["name"] == "look"
    stand_in = m("no need")
    assert model("openai:gpt-4o", tools=[LOOK]).invoke("hi", run=Run(models={"openai:*": stand_in})).text == "no need"
    assert stand_in.seen[0].tools == (LOOK,)


# Stand-ins.


@pytest.mark.parametrize("pattern", ["openai:gpt-4o", "openai:*", "*", "*:gpt-4o"])
def test_a_run_puts_a_script_in_a_models_place_by_pattern(pattern: str) -> None:
    with Run(models={pattern: m("scripted")}) as run:
        assert model("openai:gpt-4o").invoke("hi").text == "scripted"
    assert (run.rows[0].provider, run.rows[0].model) == ("openai", "gpt-4o")


def test_a_run_puts_another_model_in_a_models_place_by_its_name() -> None:
    chain = model("openai:gpt-4o")
    found = chain.render("hi")[0]
    assert found.provider == "openai"
    with Run(models={"openai:*": "opnai:x"}), pytest.raises(UnknownModel):
        chain.invoke("hi")


def test_a_pattern_that_does_not_fit_leaves_the_model_as_it_is() -> None:
    with Run(models={"anthropic:*": m("no")}), pytest.raises(UnknownModel):
        model("nobody:x").invoke("hi")


def test_an_inner_run_goes_before_an_outer_one() -> None:
    with Run(models={"openai:*": m("outer")}), Run(models={"openai:*": m("inner")}):
        assert model("openai:x").invoke("hi").text == "inner"


def test_an_unlocked_output_mode_is_chosen_by_the_stand_ins_profile() -> None:
    stand_in = m("3", profile=Profile("s", "m", output=("prompt",), local=True))
    assert model("openai:x", output=int).invoke("hi", run=Run(models={"*": stand_in})) == 3
    assert stand_in.seen[0].output.mode == "prompt"


# Profiles.


@pytest.mark.parametrize(
    "spec", ["openai:gpt-4o", "anthropic:claude-sonnet-4-5", "cohere:command-a-03-2025", "openai:not-made-yet"]
)
def test_a_profile_tells_what_a_model_can_do(spec: str) -> None:
    found = profile(spec)
    assert f"{found.provider}:{found.model}" == spec
    assert not found.local
    assert found.output
    assert found.context is None or found.context > 1000


def test_a_local_model_is_free_and_says_so() -> None:
    assert profile("local:smollm2-135m").local


def test_a_profile_of_nobody_is_an_unknown_model() -> None:
    with pytest.raises(UnknownModel):
        profile("opnai:x")
