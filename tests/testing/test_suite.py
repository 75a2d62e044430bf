"""The conformance suite itself: it finds what is wrong with an adapter, and names it."""

from __future__ import annotations

import dataclasses

import pytest

from chainkit.errors import AuthenticationError, BadRequest
from chainkit.models.http import HttpProvider
from chainkit.models.registry import register, unregister
from chainkit.testing import conformance
from chainkit.testing.wire_bodies import SHAPES, Said, body, events, refusal
from chainkit.usage import Usage
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.dialect import Dialect
from chainkit_providers.openai.embeddings import EmbeddingsWire

pytestmark = pytest.mark.slow


class Wire(ChatCompletions):
    """An adapter of a stranger's that is right."""


class ForgetsUsage(Wire):
    def decode(self, body):
        reply = super().decode(body)
        reply.usage = Usage()
        return reply


class ShowsTheKey(Wire):
    def error(self, status, headers, body):
        kind = AuthenticationError if status == 401 else BadRequest
        return kind(f"failed with {conformance.KEY}", status=status)


class SilentOnCuts(Wire):
    def fold(self, request):
        fold = super().fold(request)
        whole = fold.finish

        class Lenient:
            feed = fold.feed

            def finish(self):
                try:
                    return whole()
                except Exception:
                    from chainkit.models.reply import Reply

                    return Reply(())

        return Lenient()


@pytest.fixture
def subject():
    def make(wire):
        found = wire(Dialect("stranger"))
        register(HttpProvider(name="stranger", base_url="https://stranger.example", wires={"chat": found}))
        return conformance.provider("stranger:some-model", shape="chat-completions", under="/v1")

    yield make
    unregister("stranger")


def test_a_strangers_adapter_that_is_right_passes(subject):
    conformance.check(subject(Wire), modes=("invoke", "astream"))


@pytest.mark.parametrize(
    ("wire", "named"),
    [
        (ForgetsUsage, "usage, invoke"),
        (ShowsTheKey, "a wrong key is said once and never shown, invoke"),
        (SilentOnCuts, "what is no answer is malformed, stream"),
    ],
)
def test_what_is_wrong_is_named(subject, wire, named):
    with pytest.raises(AssertionError, match="does not conform") as caught:
        conformance.check(subject(wire), modes=("invoke", "stream"))
    assert named in str(caught.value)


def test_what_a_provider_cannot_do_is_left_out_with_its_reason(subject):
    lame = dataclasses.replace(
        subject(ForgetsUsage), without={"usage": "it never tells", "all modes agree": "it tells in streams"}
    )
    conformance.check(lame, modes=("invoke",))


def test_an_adapter_is_called_with_for_its_own_cases(subject):
    cases = conformance(subject(Wire), modes=("invoke",))
    assert [str(c) for c in cases] == [str(c) for c in conformance.cases(modes=("invoke",))]
    cases[0].check()
    with pytest.raises(TypeError, match="knows no adapter"):
        conformance.cases()[0].check()


def test_an_adapter_without_tools_is_asked_for_none(subject):
    lame = conformance.provider("openai:gpt-x", shape="chat-completions", under="/v1", tools=False)
    names = {c.scenario.name for c in conformance(lame)}
    assert "text" in names
    assert not any(c.scenario.tools for c in conformance(lame))
    offering = {c.scenario.name for c in conformance.cases() if c.scenario.tools}
    assert {*conformance.scenarios()} - names == offering


def test_a_scenario_or_a_shape_that_there_is_not_is_an_error():
    with pytest.raises(ValueError, match="no scenario 'usages'"):
        conformance.provider("openai:gpt-x", shape="chat-completions", without={"usages": "?"})
    with pytest.raises(ValueError, match="no shape 'chat'"):
        conformance.provider("openai:gpt-x", shape="chat")


class Backwards(EmbeddingsWire):
    """An adapter that mixes up the order."""

    def decode(self, body, request):
        found = super().decode(body, request)
        return dataclasses.replace(found, vectors=found.vectors[::-1])


def test_an_embedder_that_mixes_up_its_vectors_is_named(subject):
    wire = Backwards("stranger")
    register(HttpProvider(name="stranger", base_url="https://stranger.example", wires={}, tasks={"embed": wire}))
    try:
        found = conformance.embedder(
            "stranger:e1",
            texts=lambda asked: asked["input"],
            answer=lambda vectors, tokens: {
                "data": [{"index": i, "embedding": v} for i, v in enumerate(vectors)],
                "usage": {"prompt_tokens": tokens},
            },
        )
        with pytest.raises(AssertionError, match="vectors stand in the order of their texts"):
            conformance.check(found)
    finally:
        unregister("stranger")


def test_cases_have_names_of_their_own():
    names = [str(c) for c in conformance.cases()]
    assert len(set(names)) == len(names) > 90
    assert {n.rpartition(", ")[2] for n in names} == {"invoke", "ainvoke", "stream", "astream"}


@pytest.mark.parametrize("shape", SHAPES)
def test_bodies_of_every_shape_are_plain_json(shape):
    import json

    said = Said("text", usage=None)
    for held in (body(shape, said), events(shape, said), refusal(shape, 429, "no")):
        assert json.loads(json.dumps(held)) is not None
    assert "11" not in json.dumps([body(shape, said), events(shape, said)])


def test_every_public_name_of_the_kit_is_there_and_loads_late():
    import subprocess
    import sys

    import chainkit.testing

    for name in chainkit.testing.__all__:
        assert getattr(chainkit.testing, name) is not None
    assert dir(chainkit.testing) == chainkit.testing.__all__
    program = "import sys; from chainkit.testing import ScriptedModel; print('chainkit.testing.server' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
