"""The names that users type: pinned, sorted, documented."""

from __future__ import annotations

import inspect

import pytest

import chainkit

NAMES = """
    AgentResult Budget Chain ChainkitError Fill Message Messages ProviderBatch Reply Run ToolContext Verdict
    __version__ agent agreed approved as_set assign assistant average best best_of branch by_meaning cascade
    chatting classifier close completion confident consistent constant debate each embedder ensemble examples fields fuse
    hedge history identity image_model index intersection judge likely load longest loop mcp media median medoid
    message mixture model pairwise parallel profile prompt prompt_file race rank reranker route sequence speaker
    step system token_counter tool transcriber trimmed union user vote weighted
""".split()


def test_the_public_names_are_these_and_a_new_one_is_a_decision() -> None:
    assert sorted(set(chainkit.__all__)) == NAMES
    assert len(chainkit.__all__) == len(set(chainkit.__all__))


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith("__")])
def test_every_public_name_is_documented(name: str) -> None:
    assert len((inspect.getdoc(getattr(chainkit, name)) or "").split()) >= 3


@pytest.mark.parametrize("kind", ["Budget", "Chain", "ChainkitError", "Message", "Messages", "Reply", "Run", "Verdict"])
def test_every_public_method_of_a_public_class_is_documented(kind: str) -> None:
    own = [(n, m) for n, m in vars(getattr(chainkit, kind)).items() if not n.startswith("_")]
    bare = [n for n, m in own if (inspect.isfunction(m) or isinstance(m, property)) and not inspect.getdoc(m)]
    assert bare == []


def test_dir_lists_every_public_name() -> None:
    assert set(NAMES) <= set(dir(chainkit))


def test_a_name_that_is_not_there_is_said_as_python_says_it() -> None:
    with pytest.raises(AttributeError, match="module 'chainkit' has no attribute 'ensmble'"):
        chainkit.ensmble
