"""How a model is made to write: draws, beams, penalties, grammars, ends. On a tiny model that knows nothing."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel

from chainkit import completion, model
from chainkit.errors import BadRequest, ContextTooLong
from chainkit.messages import Message, Text, ToolCall, ToolResult
from chainkit.models.completion import Fill
from chainkit.models.request import ToolSpec

WEATHER = ToolSpec(
    "get_weather", "Weather of a city",
    {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"], "additionalProperties": False},
)  # fmt: skip


@pytest.fixture
def ask(tiny: Any) -> Any:
    """The tiny model with options; greedy, twelve tokens."""
    return lambda **options: model("transformers:tiny", client=tiny, **{"temperature": 0, "max_tokens": 12} | options)


@pytest.fixture
def go_on(tiny: Any) -> Any:
    return lambda **options: completion(
        "transformers:tiny", client=tiny, **{"temperature": 0, "max_tokens": 12} | options
    )


def test_greedy_writes_what_transformers_itself_would(tiny: Any, ask: Any, torch: Any) -> None:
    text = tiny.tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hello"}], tokenize=False, add_generation_prompt=True
    )
    read = tiny.tokenizer(text, add_special_tokens=False, return_tensors="pt")
    wanted = tiny.model.generate(**read, do_sample=False, max_new_tokens=12)[0, read["input_ids"].shape[1] :]
    reply = ask().invoke("Hello")
    assert reply.text == tiny.tokenizer.decode(wanted, skip_special_tokens=True)
    assert (reply.usage.input, reply.usage.output) == (read["input_ids"].shape[1], 12)
    assert (reply.finish_reason, reply.finish_word) == ("length", "length")


def test_a_seed_gives_the_same_answer_again_and_none_another(ask: Any, torch: Any) -> None:
    state = torch.random.get_rng_state()
    first, again = ask(temperature=1.5, seed=7).invoke("Hi"), ask(temperature=1.5, seed=7).invoke("Hi")
    assert first == again
    assert first != ask(temperature=1.5, seed=8).invoke("Hi")
    assert len({ask(temperature=1.5).invoke("Hi").text for _ in range(4)}) > 1
    assert torch.equal(state, torch.random.get_rng_state())


def test_draws_follow_the_models_probabilities(tiny: Any, torch: Any) -> None:
    from chainkit_providers.transformers.choosing import _Draw

    wanted = torch.tensor([0.5, 0.3, 0.15, 0.05])
    scores = wanted.log().repeat(20_000, 1)
    drawn = _Draw(1, "cpu")(None, scores).argmax(-1)
    found = torch.bincount(drawn, minlength=4) / 20_000
    assert torch.allclose(found, wanted, atol=0.01)


def test_top_k_of_one_is_greedy_whatever_the_temperature(ask: Any) -> None:
    assert ask(temperature=2.0, top_k=1).invoke("Hi") == ask().invoke("Hi")
    assert ask(temperature=2.0, top_p=1e-6).invoke("Hi") == ask().invoke("Hi")
    assert ask(temperature=2.0, min_p=1.0).invoke("Hi") == ask().invoke("Hi")


def test_several_answers_are_drawn_side_by_side(ask: Any) -> None:
    reply = ask(n=3, temperature=1.5, seed=1).invoke("Hi")
    assert len({reply.text, *(c.text for c in reply.choices)}) == 3
    assert reply.usage.output == 36
    assert "".join(ask(n=3, temperature=1.5, seed=1).stream("Hi")) == reply.text


def test_what_the_makers_recommend_holds_where_nothing_is_asked(tiny: Any) -> None:
    from chainkit_providers.transformers.choosing import told

    makers = tiny.model.generation_config
    assert not told(tiny, {})["draws"]
    try:
        makers.do_sample, makers.temperature, makers.top_k, makers.repetition_penalty = True, 0.6, 9, 1.1
        found = told(tiny, {"top_p": 0.5})
        assert (found["draws"], found["temperature"], found["top_k"], found["top_p"]) == (True, 0.6, 9, 0.5)
        assert found["repeat_penalty"] == 1.1
        assert not told(tiny, {"temperature": 0})["draws"]
    finally:
        makers.do_sample = makers.temperature = makers.top_k = makers.repetition_penalty = None


def test_beams_come_best_first_with_their_scores(ask: Any) -> None:
    options = {"transformers_num_beams": 4, "transformers_length_penalty": 0.9, "transformers_early_stopping": True}
    reply = ask(n=3, vendor=options).invoke("Hello")
    scores = [r.raw["score"] for r in (reply, *reply.choices)]
    assert scores == sorted(scores, reverse=True)
    assert len({reply.text, *(c.text for c in reply.choices)}) == 3
    assert list(ask(n=3, vendor=options).stream("Hello")) == [reply.text]


def test_beams_find_what_is_likelier_than_greedy(ask: Any) -> None:
    def likelihood(reply: Any) -> float:
        return sum(t["logprob"] for t in ask(logprobs=0, max_tokens=3).invoke("Hello").logprobs)

    best = ask(max_tokens=3, vendor={"transformers_num_beams": 8, "transformers_length_penalty": 0.0}).invoke("Hello")
    assert best.raw["score"] >= likelihood(best) - 1e-4


def test_a_length_penalty_asks_for_other_lengths(ask: Any) -> None:
    def written(penalty: float) -> float:
        beams = {"transformers_num_beams": 3, "transformers_length_penalty": penalty}
        score: float = ask(max_tokens=8, vendor=beams).invoke("Hi").raw["score"]
        return score

    # A score is the sum of the logprobs, divided by the length to the power of the penalty.
    assert written(1.0) == pytest.approx(written(0.0) / 8, rel=1e-3)


def test_no_run_of_tokens_comes_twice(go_on: Any, tiny: Any) -> None:
    letters = {tiny.tokenizer(letter)["input_ids"][0] for letter in "abc"}
    only = {"suppress_tokens": [n for n in range(320) if n not in letters]}
    bias = {str(tiny.tokenizer("a")["input_ids"][0]): 50.0}
    asked = {"logit_bias": bias, "extra": only, "max_tokens": 6}
    assert go_on(**asked).invoke("Hi").text == "a" * 6
    text = go_on(**asked, vendor={"transformers_no_repeat_ngram": 2}).invoke("Hi").text
    pairs = [text[at : at + 2] for at in range(5)]
    assert len(text) == 6
    assert len(set(pairs)) == 5


def test_a_penalty_on_repeats_changes_what_is_repeated(go_on: Any, tiny: Any) -> None:
    bias = {str(tiny.tokenizer("a")["input_ids"][0]): 1.0}
    assert go_on(logit_bias=bias).invoke("Hi").text == "a" * 12
    assert go_on(logit_bias=bias, repeat_penalty=50.0).invoke("Hi").text != "a" * 12


def test_an_answer_ends_with_its_end_token_and_not_before_its_least_length(go_on: Any) -> None:
    ends = {"2": 50.0}
    short = go_on(logit_bias=ends).invoke("Hi")
    assert (short.text, short.finish_reason, short.finish_word, short.usage.output) == ("", "stop", "eos", 1)
    long = go_on(logit_bias=ends, vendor={"transformers_min_tokens": 5}).invoke("Hi")
    assert (long.finish_word, long.usage.output) == ("eos", 6)


def test_a_stop_string_ends_the_text_before_it(ask: Any) -> None:
    whole = ask(max_tokens=20).invoke("Hello").text
    stop = whole[5:7]
    reply = ask(max_tokens=20, stop=[stop]).invoke("Hello")
    assert reply.text == whole[: whole.index(stop)]
    assert (reply.finish_reason, reply.finish_word) == ("stop", "stop")
    assert reply.usage.output < 20
    assert "".join(ask(max_tokens=20, stop=[stop]).stream("Hello")) == reply.text
    beamed = ask(max_tokens=20, stop=stop, vendor={"transformers_num_beams": 2}).invoke("Hello")
    assert stop not in beamed.text


def test_logprobs_are_those_before_anything_changed_them(ask: Any) -> None:
    plain, warm = ask(logprobs=2).invoke("Hi"), ask(logprobs=2, temperature=0.3, top_k=1).invoke("Hi")
    assert plain.logprobs == warm.logprobs
    assert len(plain.logprobs) == 12
    for token in plain.logprobs:
        assert [token["token"], token["logprob"]] == list(token["top_logprobs"][0].values())
        assert len(token["top_logprobs"]) == 2


def test_the_logprobs_of_a_prompt_are_those_of_going_on_with_its_beginning(go_on: Any, tiny: Any) -> None:
    whole = go_on(max_tokens=4).invoke("Hello")
    tokens = tiny.tokenizer("Hello")["input_ids"]
    seen = go_on(prompt_logprobs=2, max_tokens=1).invoke("Hello")
    assert len(seen.prompt_logprobs) == len(tokens)
    assert seen.prompt_logprobs[0]["logprob"] is None
    assert all(len(t["top_logprobs"]) == 2 for t in seen.prompt_logprobs[1:])
    assert "".join(t["token"] for t in seen.prompt_logprobs) == "Hello"
    assert whole.prompt_logprobs == ()
    likeliest = tiny.model.generate(
        tiny.tokenizer("Hello", return_tensors="pt")["input_ids"][:, :1], do_sample=False, max_new_tokens=1
    )[0, 1]
    assert seen.prompt_logprobs[1]["top_logprobs"][0]["token"] == tiny.tokenizer.decode([int(likeliest)])


def test_a_bias_for_what_is_no_token_raises(ask: Any) -> None:
    with pytest.raises(BadRequest, match="'999' is no number of a token of tiny"):
        ask(logit_bias={"999": 1.0}).invoke("Hi")


class Town(BaseModel):
    name: Literal["Rome", "Paris"]
    large: bool


def test_a_grammar_makes_even_noise_an_object(ask: Any) -> None:
    for seed in range(3):
        assert isinstance(ask(output=Town, temperature=2.0, seed=seed, max_tokens=60).invoke("Hi"), Town)
    assert ask(output=Literal["spam", "ok"], max_tokens=40).invoke("Hi") in ("spam", "ok")
    whole = ask(grammar="start: /[ab]{3}/", n=2, temperature=1.0, seed=1).invoke("Hi")
    assert {len(whole.text), *(len(c.text) for c in whole.choices)} == {3}
    assert whole.finish_reason == "stop"


def test_a_grammar_that_is_none_raises(ask: Any) -> None:
    with pytest.raises(BadRequest, match="llguidance makes nothing of this grammar"):
        ask(grammar="start: /[/").invoke("Hi")


def test_a_forced_tool_is_called_with_arguments_of_its_schema(ask: Any) -> None:
    for mode in ("required", "get_weather"):
        reply = ask(tools=[WEATHER], tool_choice=mode, temperature=1.5, seed=1, max_tokens=80).invoke("Hi")
        (call,) = reply.tool_calls
        assert (call.name, call.id, reply.finish_reason) == ("get_weather", "call_1", "tool_calls")
        assert call.arguments["city"] in ("Paris", "Rome")


def test_a_call_and_its_result_go_back_into_the_conversation(ask: Any) -> None:
    turns = (
        Message("user", (Text("Weather?"),)),
        Message("assistant", (ToolCall("get_weather", {"city": "Rome"}, "c1"),)),
        Message("tool", (ToolResult("c1", "fine"),)),
    )
    assert ask(tools=[WEATHER]).invoke(turns).usage.output == 12


def test_a_template_without_a_place_for_tools_or_chats_says_so(torch: Any) -> None:
    from tiny_models import causal, tokenizer

    from chainkit_providers.transformers import Loaded

    plain = Loaded(causal(), tokenizer("{{ messages[0].content }}"))
    with pytest.raises(BadRequest, match="no place for tools"):
        model("transformers:x", client=plain, tools=[WEATHER]).invoke("Hi")
    none = Loaded(causal(), tokenizer(None))
    with pytest.raises(BadRequest, match="no chat template"):
        model("transformers:x", client=none).invoke("Hi")
    picky = Loaded(causal(), tokenizer("{{ raise_exception('no system, please') }}"))
    with pytest.raises(BadRequest, match="no system, please"):
        model("transformers:x", client=picky).invoke("Hi")


def test_a_template_that_opens_the_thinking_gives_thinking(torch: Any) -> None:
    from tiny_models import TEMPLATE, causal, tokenizer

    from chainkit_providers.transformers import Loaded

    opened = TEMPLATE.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
    assert opened != TEMPLATE
    chain = model(
        "transformers:x", client=Loaded(causal(), tokenizer(opened)), temperature=0,
        grammar='start: "I think.\\n</think>\\n\\nYes."', max_tokens=40,
    )  # fmt: skip
    reply = chain.invoke("Hi")
    assert (reply.thinking, reply.text) == ("I think.\n", "Yes.")
    assert "".join(chain.stream("Hi")) == "Yes."


def test_how_much_a_model_thinks_is_told_to_its_template(torch: Any) -> None:
    from tiny_models import TEMPLATE, causal, tokenizer

    from chainkit_providers.transformers import Loaded

    switch = TEMPLATE + "{% if enable_thinking is defined and not enable_thinking %}quickly{% endif %}"
    client = Loaded(causal(), tokenizer(switch))

    def read(**options: Any) -> int:
        return int(model("transformers:x", client=client, max_tokens=1, **options).invoke("Hi").usage.input or 0)

    assert read(reasoning="none") > read()
    assert read(vendor={"transformers_template": {"enable_thinking": False}}) == read(reasoning="none")
    with pytest.raises(BadRequest, match="knows no reasoning='high'"):
        read(reasoning="high")


def test_an_answer_that_was_begun_is_gone_on_with(ask: Any) -> None:
    begun = (Message("user", (Text("Hi"),)), Message("assistant", (Text("Well, "),)))
    assert ask().invoke(begun).usage.input < ask().invoke((*begun, Message("user", (Text(""),)))).usage.input


def test_a_completion_goes_on_with_the_bare_text(go_on: Any, tiny: Any) -> None:
    reply = go_on(logprobs=0).invoke("The capital")
    assert reply.usage.input == len(tiny.tokenizer("The capital")["input_ids"])
    assert len(reply.logprobs) == 12
    assert go_on().invoke("").usage.output == 12
    with pytest.raises(BadRequest, match="fills no gaps"):
        go_on().invoke(Fill("a", "b"))


def test_a_gap_is_marked_as_the_vocabulary_says(torch: Any) -> None:
    from tiny_models import causal, tokenizer

    from chainkit_providers.transformers import Loaded

    coder = Loaded(causal(), tokenizer(None, "<fim_prefix>", "<fim_suffix>", "<fim_middle>"), name="coder")
    chain = completion("transformers:coder", client=coder, temperature=0, max_tokens=3, prompt_logprobs=0)
    read = chain.invoke(Fill("a{", "}b")).prompt_logprobs
    assert "".join(t["token"] for t in read) == "<fim_prefix>a{<fim_suffix>}b<fim_middle>"


def test_a_model_handed_over_for_something_else_says_what_it_is(tiny: Any) -> None:
    from tiny_models import classifier as made, tokenizer

    from chainkit import classifier
    from chainkit_providers.transformers import Loaded

    with pytest.raises(BadRequest, match="not made to write text: it is a BertForSequenceClassification"):
        model("transformers:x", client=Loaded(made(["a"]), tokenizer())).invoke("Hi")
    with pytest.raises(BadRequest, match="not made to classify: it is a LlamaForCausalLM"):
        classifier("transformers:x", client=tiny).invoke("Hi")


def test_too_long_a_prompt_raises_and_a_long_answer_ends_with_the_context(torch: Any) -> None:
    from tiny_models import causal, tokenizer

    from chainkit_providers.transformers import Loaded

    small = Loaded(causal(context=40), tokenizer(), name="small")
    with pytest.raises(ContextTooLong, match="the prompt has 4., tokens|the prompt has .* small was made for 40"):
        model("transformers:x", client=small).invoke("Grüße " * 20)
    reply = completion("transformers:x", client=small, temperature=0, max_tokens=500).invoke("Hi")
    assert reply.usage.total == 40
    assert reply.finish_reason == "length"


def test_extra_reaches_transformers_own_configuration(ask: Any) -> None:
    assert ask(extra={"suppress_tokens": list(range(3, 320))}).invoke("Hi").text == ""
    with pytest.raises(BadRequest, match="tokens"):
        ask(extra={"max_new_tokens": -1}).invoke("Hi")
