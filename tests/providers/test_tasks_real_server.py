"""Vectors from a real llama.cpp server on this machine: through our carrier, the vendor's client, and beside it."""

from __future__ import annotations

import asyncio
import math
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chainkit import Run, embedder, reranker
from chainkit.errors import BadRequest, ProviderError
from real_server import RealServer

pytestmark = pytest.mark.local
TEXTS = ["A cat sat on the mat.", "Die Katze saß auf der Matte.", "Quarterly revenue grew by 4 %."]
DIMENSIONS = 576


@pytest.fixture(scope="module")
def server() -> Iterator[RealServer]:
    for package in ("xllamacpp", "openai"):
        _or_else(find_spec(package) is not None, f"{package} is not installed: pip install 'chainkit[all]'")
    from chainkit_providers.local.catalog import find
    from chainkit_providers.local.files import place

    path = place(find("smollm2-135m"))
    _or_else(path.is_file(), "the local model is not pulled: chainkit pull smollm2-135m")
    with RealServer(path, embedding=True) as started:
        yield started


def _or_else(there: bool, why: str) -> None:
    if not there:
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


def theirs(server: RealServer) -> list[list[float]]:
    """The same vectors as the openai package reads them."""
    import openai

    client = openai.OpenAI(base_url=server.url_v1, api_key="none", max_retries=0)
    return [d.embedding for d in client.embeddings.create(model="m", input=TEXTS, encoding_format="float").data]


def cosine(a: Any, b: Any) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def test_a_real_servers_vectors_are_those_that_the_vendors_client_reads(server: RealServer) -> None:
    with Run() as run:
        found = embedder("llamacpp:smollm2", base_url=server.url_v1).invoke(TEXTS)
    assert [len(v) for v in found] == [DIMENSIONS] * 3
    for ours, other in zip(found.vectors, theirs(server), strict=True):
        assert ours == pytest.approx(other, abs=1e-4)
    assert cosine(found[0], found[0]) == pytest.approx(1)
    assert run.usage.input is not None
    assert run.usage.input > 10
    assert run.cost.exact
    assert run.rows[0].kind == "embed"


def test_base64_the_vendors_client_and_a_loop_give_the_same(server: RealServer) -> None:
    plain = embedder("llamacpp:smollm2", base_url=server.url_v1).invoke(TEXTS).vectors
    packed = embedder("openai:smollm2", base_url=server.url_v1, api_key="none")
    carried = embedder("openai:smollm2", base_url=server.url_v1, api_key="none", carrier="sdk")
    [shown] = packed.render("a")
    assert shown.body["encoding_format"] == "base64"
    for found in (packed.invoke(TEXTS), carried.invoke(TEXTS), asyncio.run(packed.ainvoke(TEXTS))):
        for one, other in zip(found.vectors, plain, strict=True):
            assert one == pytest.approx(other, abs=1e-4)


def test_a_server_that_ranks_nothing_says_so(server: RealServer) -> None:
    with pytest.raises(ProviderError, match="llamacpp answered 501") as refused:
        reranker("llamacpp:smollm2", base_url=server.url_v1, attempts=1).invoke({"query": "q", "documents": TEXTS})
    assert not isinstance(refused.value, BadRequest)
