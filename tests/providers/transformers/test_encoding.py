"""What a request becomes before a model is loaded."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from chainkit import classifier, completion, embedder, model, profile
from chainkit.errors import BadRequest, CompositionError
from chainkit.messages import Media, Message, Text, Thinking
from chainkit.models.completion import Fill
from chainkit.models.request import ToolSpec

SPEC = "transformers:acme/small"
WEATHER = ToolSpec("get_weather", "", {"type": "object", "properties": {"city": {"type": "string"}}})
ADD = ToolSpec("add", "", {"type": "object", "properties": {"a": {"type": "number"}}})


def body(given: Any = "Hi", **options: Any) -> Any:
    return model(SPEC, **options).render(given)[0].body


def test_a_chat_is_messages_and_options_under_their_own_names() -> None:
    asked = body(temperature=0.5, top_k=5, min_p=0.1, repeat_penalty=1.2, seed=1, n=2, stop=["x"], logprobs=3)
    assert asked["messages"] == [{"role": "user", "content": "Hi"}]
    assert {k: v for k, v in asked.items() if k not in ("messages", "model")} == {
        "temperature": 0.5,
        "top_k": 5,
        "min_p": 0.1,
        "repeat_penalty": 1.2,
        "seed": 1,
        "n": 2,
        "stop": ["x"],
        "logprobs": 3,
    }


def test_options_of_this_provider_lose_their_prefix_and_are_checked() -> None:
    asked = body(vendor={"transformers_num_beams": 4, "transformers_template": {"enable_thinking": False}})
    assert (asked["num_beams"], asked["template"]) == (4, {"enable_thinking": False})
    with pytest.raises(BadRequest, match="no vendor option 'transformers_beams'"):
        body(vendor={"transformers_beams": 4})
    with pytest.raises(BadRequest, match="for another kind of model"):
        body(vendor={"transformers_pooling": "cls"})
    with pytest.raises(BadRequest, match="for another kind of model"):
        completion(SPEC, vendor={"transformers_template": {}}).render("Hi")


def test_what_extra_holds_is_kept_apart() -> None:
    assert body(extra={"typical_p": 0.9})["generation"] == {"typical_p": 0.9}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vendor": {"transformers_num_beams": 3}, "temperature": 0.7}, "beam search draws nothing.*'temperature'"),
        ({"vendor": {"transformers_num_beams": 3}, "top_p": 0.7}, "'top_p'"),
        ({"vendor": {"transformers_num_beams": 3}, "logprobs": 1}, "'logprobs'"),
        ({"vendor": {"transformers_num_beams": 2}, "n": 3}, "n=3 answers out of 2 beams"),
        ({"vendor": {"transformers_length_penalty": 2.0}}, "transformers_length_penalty is for beam search"),
        ({"vendor": {"transformers_min_tokens": 2}, "grammar": "start: /a/"}, "says where an answer may end"),
        ({"output": int, "grammar": "start: /a/"}, "both say what form"),
        ({"frequency_penalty": 1.0}, "cannot honour the option 'frequency_penalty'"),
        ({"verbosity": "low"}, "cannot honour the option 'verbosity'"),
    ],
)
def test_options_that_do_not_go_together_raise_before_a_model_is_loaded(options: Any, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        body(**options)


def test_beams_without_drawing_go_with_temperature_zero() -> None:
    assert body(temperature=0, n=2, vendor={"transformers_num_beams": 3})["num_beams"] == 3


def test_an_output_is_a_grammar_of_its_json() -> None:
    grammar = body(output=Literal["spam", "ok"])["grammar"]
    assert grammar.startswith("%llguidance {}\nstart: %json {")
    assert '"enum": ["spam", "ok"]' in grammar
    assert "whitespace_flexible" in grammar


def test_a_forced_call_is_held_to_the_tools_own_arguments() -> None:
    asked = body(tools=[WEATHER, ADD], tool_choice="required")
    assert asked["force_call"]
    held = json.loads(asked["grammar"].partition("%json ")[2])
    assert [one["properties"]["name"] for one in held["anyOf"]] == [{"const": "get_weather"}, {"const": "add"}]
    named = body(tools=[WEATHER, ADD], tool_choice="add")
    assert [t["function"]["name"] for t in named["tools"]] == ["add"]
    assert "get_weather" not in named["grammar"]


def test_tools_that_need_not_be_called_leave_the_answer_free() -> None:
    asked = body(tools=[WEATHER])
    assert "grammar" not in asked
    assert asked["several_calls"] is False
    assert body(tools=[WEATHER], parallel_tools=True)["several_calls"] is True
    assert "tools" not in body(tools=[WEATHER], tool_choice="none")
    with pytest.raises(BadRequest, match="form of its own"):
        body(tools=[WEATHER], tool_choice="required", grammar="start: /a/")


def test_its_own_thinking_goes_back_and_a_strangers_stays_behind() -> None:
    own = Message("assistant", (Thinking("hm", vendor="transformers"), Text("4")))
    strange = Message("assistant", (Thinking("hm", vendor="acme"), Text("4")))
    user = Message("user", (Text("2+2?"),))
    assert body((user, own, user))["messages"][1] == {"role": "assistant", "content": "4", "reasoning_content": "hm"}
    assert body((user, strange, user))["messages"][1] == {"role": "assistant", "content": "4"}


def test_pictures_are_refused() -> None:
    with pytest.raises(BadRequest, match="image"):
        body(Message("user", (Text("What?"), Media("image", "image/png", data=b"x"))))


def test_a_completion_is_its_text_and_the_gap_behind_it() -> None:
    asked = completion(SPEC, max_tokens=5, stop="\n", top_k=1).render(Fill("def f(", "):"))[0].body
    assert asked == {
        "model": "acme/small",
        "prompt": "def f(",
        "suffix": "):",
        "max_tokens": 5,
        "stop": "\n",
        "top_k": 1,
    }
    with pytest.raises(BadRequest, match="cannot honour the option 'best_of'"):
        completion(SPEC, best_of=2).render("Hi")


def test_other_kinds_show_what_they_read() -> None:
    asked = classifier(SPEC, labels=["a", "b"], vendor={"transformers_multi_label": True}).render("Hi")[0].body
    assert asked == {"text": "Hi", "labels": ["a", "b"], "multi_label": True}
    assert embedder(SPEC, task="query").render(["a", "b"])[0].body == {"texts": ["a", "b"], "task": "query"}
    with pytest.raises(BadRequest, match="cannot honour the option 'dimensions'"):
        embedder(SPEC, dimensions=8).render("Hi")


def test_a_server_or_a_strange_client_is_refused() -> None:
    with pytest.raises(CompositionError, match="mean nothing to it"):
        model(SPEC, base_url="http://localhost:1").render("Hi")
    with pytest.raises(CompositionError, match="must be a Loaded"):
        model(SPEC, client=object()).render("Hi")


def test_a_model_that_is_not_here_still_has_a_profile() -> None:
    known = profile(SPEC)
    assert (known.output, known.local, known.context) == (("grammar", "tool", "prompt"), True, None)
    assert known.kinds == {"chat", "complete", "embed", "classify"}
