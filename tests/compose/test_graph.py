"""Looking at a chain: drawings that are well-formed whatever the names, requests that are shown and not sent."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from typing import Any
from xml.etree import ElementTree

import pytest

from chainkit import (
    Run, branch, constant, each, ensemble, fuse, identity, judge, loop, model, parallel, prompt, race, route, step, vote,
)  # fmt: skip
from chainkit.compose.parallel import assign
from chainkit.errors import AuthenticationError, BadRequest, ChainkitError, EnsembleError, UnknownModel
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

KEY = "sk-very-secret-0123456789"


def shout(text: object) -> str:
    return str(text).upper()


gpt = model("openai:gpt-4o", api_key=KEY)
claude = model("anthropic:claude-sonnet-4-5", api_key=KEY)
CHAINS: dict[str, Any] = {
    "identity": identity(),
    "constant": constant("c"),
    "step": step(shout),
    "model": gpt,
    "sequence": step(shout) | gpt | shout,
    "text": gpt.text,
    "prompt": prompt("say {{ x }}", x=str) | gpt,
    "parallel": parallel(a=gpt, b=step(shout) | gpt),
    "tuple": parallel(gpt, step(shout)),
    "assign": parallel(q=identity()) | assign(n=shout),
    "each": step(list) | each(step(shout) | gpt),
    "branch": branch(len, gpt, shout),
    "route": route(gpt, {"a": claude, "b": shout}, otherwise=shout),
    "loop": loop(gpt.text, until=len, at_most=2),
    "named": gpt.named("answer"),
    "policies": gpt.retry(2).timeout(3).limit(1),
    "fallback": gpt.fallback(claude),
    "vote": ensemble(gpt, claude, combine=vote()),
    "race": race(gpt, claude).answer,
    "judge": ensemble(gpt, claude, combine=judge(gpt)),
    "fuse": ensemble(gpt, claude, combine=fuse(gpt)).answer.text,
    "nested": parallel(
        a=ensemble(ensemble(gpt, combine=vote()), race(claude), combine=judge(gpt)).answer.named("deep")
    ),
}
HOSTILE = ['"]; click n1 "javascript:alert(1)"', "<script>alert(1)</script>", "a & b", "]]> --", "'\"`", "end", "x\ny", "Ünï ☃ 漢字",
           "%%{init}%%", "a" * 300, "subgraph x", "\x00\x07bell", "\ud800"]  # fmt: skip


def well_formed(chain: Any) -> None:
    drawing = chain.graph()
    root = ElementTree.fromstring(drawing.svg())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not root.findall(".//{*}script")
    ids = [i for e in root.iter() if (i := e.get("id"))]
    assert len(ids) == len(set(ids))
    sized = [float(root.get(k, "0")) for k in ("width", "height")]
    assert min(sized) > 0
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(box.get("x")) + float(box.get("width")) <= sized[0] + 0.5
        assert float(box.get("y")) + float(box.get("height")) <= sized[1] + 0.5
    chart(drawing.mermaid())


def chart(text: str) -> None:
    """A Mermaid chart has unlike ids, arrows between nodes that there are, and subgraphs that end."""
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "flowchart LR"
    node = re.compile(r'(n\d+)\["([^"]*)"\]|(in|out)\(\[\w+\]\)')
    nodes = [found[1] or found[3] for line in lines if (found := node.fullmatch(line))]
    groups = [found[1] for line in lines if (found := re.fullmatch(r'subgraph (g\d+) \["[^"]*"\]', line))]
    arrows = [found.groups() for line in lines if (found := re.fullmatch(r"(\w+) --> (\w+)", line))]
    assert len(nodes + groups) == len(set(nodes + groups))
    assert len(groups) == lines.count("end")
    assert {end for arrow in arrows for end in arrow} == set(nodes)
    assert len(lines) == 1 + len(nodes) + 2 * len(groups) + len(arrows), lines


@pytest.mark.parametrize("case", CHAINS)
def test_the_drawing_of_every_combinator_is_well_formed(case: str) -> None:
    well_formed(CHAINS[case])
    assert str(CHAINS[case].graph()).strip()


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_escaped(name: str) -> None:
    well_formed(parallel({name: step(shout, name=name)}) | step(shout, name=name))
    if ">" not in name:
        well_formed((gpt | shout).named(name))


@pytest.mark.parametrize("case", CHAINS)
def test_no_drawing_and_no_repr_shows_a_key_and_each_is_one_line(case: str) -> None:
    chain = CHAINS[case]
    for text in (repr(chain), str(chain.graph()), chain.graph().svg(), chain.graph().mermaid()):
        assert KEY not in text
    assert repr(chain)
    assert "\n" not in repr(chain)
    assert "object at 0x" not in repr(chain)


def test_a_view_of_a_value_is_named_once_in_a_repr() -> None:
    assert repr(ensemble(gpt, combine=vote()).answer.text).count(".answer") == 1
    assert repr(gpt.text).count(".text") == 1


# Equal by their nodes.


def remade() -> dict[str, Any]:
    again = model("openai:gpt-4o", api_key=KEY)
    return {"sequence": step(shout) | again | shout, "parallel": parallel(a=again, b=step(shout) | again),
            "each": step(list) | each(step(shout) | again), "loop": loop(again.text, until=len, at_most=2),
            "vote": ensemble(again, claude, combine=vote()), "named": again.named("answer"), "fallback": again.fallback(claude),
            "branch": branch(len, again, shout)}  # fmt: skip


@pytest.mark.parametrize("case", list(remade()))
def test_chains_are_equal_and_hash_by_their_nodes(case: str) -> None:
    assert remade()[case] == CHAINS[case]
    assert hash(remade()[case]) == hash(CHAINS[case])
    assert CHAINS[case] != CHAINS["model"]


@pytest.mark.parametrize("case", CHAINS)
def test_every_chain_can_be_hashed_and_not_be_changed(case: str) -> None:
    assert isinstance(hash(CHAINS[case]), int)
    assert len({CHAINS[case], CHAINS[case]}) == 1
    with pytest.raises(FrozenInstanceError):
        CHAINS[case].chain = None


@pytest.mark.parametrize("case", [c for c in CHAINS if c != "policies"])  # a queue holds a lock
def test_every_chain_of_named_functions_can_be_pickled_also_after_it_was_used(case: str) -> None:
    chain = CHAINS[case]
    if case in ("nested", "parallel", "model", "vote"):
        chain.render("x")
    assert pickle.loads(pickle.dumps(chain)) == chain


# Rendering.


@pytest.mark.parametrize(
    ("case", "value", "paths"),
    [("model", "hi", ["model openai:gpt-4o"]), ("named", "hi", ["answer"]), ("fallback", "hi", ["fallback > 0 > model openai:gpt-4o"]),
     ("prompt", {"x": "y"}, ["model openai:gpt-4o"]),
     ("vote", "hi", ["vote[0] > model openai:gpt-4o", "vote[1] > model anthropic:claude-sonnet-4-5"])],
)  # fmt: skip
def test_what_would_be_sent_is_shown_and_nothing_is_sent(case: str, value: Any, paths: list[str]) -> None:
    with Run() as run:
        found = CHAINS[case].render(value)
    assert {r.path.removeprefix("vote > ") for r in found} <= {*paths} or [r.path for r in found]
    assert len(found) == len(paths)
    assert KEY not in repr(found)
    assert all(isinstance(r.body, Mapping) and r.url.startswith("https://") and r.method == "POST" for r in found)
    assert run.calls == len(run.rows)


def test_a_request_that_needs_an_earlier_answer_holds_a_marked_placeholder() -> None:
    first, second = (gpt.text | (lambda t: f"again: {t}") | claude).render("hi")
    assert (first.provider, second.provider) == ("openai", "anthropic")
    assert "again: ⟨what openai:gpt-4o says⟩" in str(second.body)


def test_a_structured_request_is_rendered_once_with_its_schema() -> None:
    found = model("openai:gpt-4o", output=list[int], api_key=KEY).retry(5).render("hi")
    assert len(found) == 1
    assert "integer" in str(found[0].body)


def test_an_error_before_the_first_request_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        (step(lambda x: 1 / 0) | (lambda x: "x") | gpt).render("hi")
    with pytest.raises(UnknownModel):
        model("opnai:x").render("hi")


def test_check_names_the_first_model_that_could_not_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    gpt.check()
    with pytest.raises(AuthenticationError) as caught:
        parallel(a=gpt, b=step(shout) | model("anthropic:claude-sonnet-4-5", carrier="httpx")).check()
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    assert "model anthropic:claude-sonnet-4-5" in caught.value.path


# Addresses.


def address(chain: Any, value: Any = "hi") -> str | None:
    with pytest.raises(ChainkitError) as caught:
        chain.invoke(value)
    return caught.value.path


bad = m(fail=BadRequest("n"), name="x")


@pytest.mark.parametrize(
    ("chain", "path"),
    [(bad, "model scripted:x"), (step(shout) | bad, "model scripted:x"), ((step(shout) | bad).named("answer"), "answer > model scripted:x"),
     (parallel(a=step(shout) | bad).named("p"), "p > a > model scripted:x"), (parallel(step(shout), bad), "parallel > 1 > model scripted:x"),
     (branch(len, bad, shout), "branch > True > model scripted:x"), (m("a").text | bad | shout, "model scripted:x"),
     (m("a", name="x").text | bad, "model scripted:x#2"), (bad.fallback(bad), "fallback > 1 > model scripted:x")],
    ids=str,
)  # fmt: skip
def test_an_error_has_the_address_of_its_step(chain: Any, path: str) -> None:
    assert address(chain) == path


def test_the_items_of_each_the_turns_of_a_loop_and_the_members_are_numbered() -> None:
    second = m(lambda ms: "ok" if ms[-1].text == "a" else BadRequest("n"), name="x")
    assert address(each(second), ["a", "b"]) == "each[1] > model scripted:x"
    assert (
        address(loop(second.text | (lambda t: t + "!"), until=lambda t: False, at_most=3).named("l"), "a")
        == "l[1] > model scripted:x"
    )
    with pytest.raises(EnsembleError) as caught:
        ensemble(bad, step(shout) | bad, combine=vote()).named("answer").invoke("hi")
    assert caught.value.path == "answer"
    assert [b.error.path for b in caught.value.ballots] == [
        "answer[0] > model scripted:x",
        "answer[1] > model scripted:x",
    ]
