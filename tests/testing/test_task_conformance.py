"""Embedders and rerankers conform, each on its own wire."""

from __future__ import annotations

import pytest

from chainkit.run.carriers.clients import CLIENTS
from chainkit.testing import conformance


def listed(vectors, tokens):
    data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def of_cohere(vectors, tokens):
    billed = {"billed_units": {"input_tokens": tokens}}
    return {"id": "0", "embeddings": {"float": vectors}, "texts": [], "meta": billed}


def of_ollama(vectors, tokens):
    return {"model": "m", "embeddings": vectors, "prompt_eval_count": tokens}


def of_google(vectors, tokens):
    return {"embeddings": [{"values": v} for v in vectors], "usageMetadata": {"promptTokenCount": tokens}}


def in_order(ranked, tokens):
    results = [{"index": i, "relevance_score": s} for i, s in ranked]
    return {"id": "0", "results": results, "meta": {"billed_units": {"search_units": 1}}}


def of_voyage(ranked, tokens):
    data = [{"index": i, "relevance_score": s} for i, s in ranked]
    return {"object": "list", "data": data, "model": "m", "usage": {"total_tokens": tokens}}


def of_jina(ranked, tokens):
    return {"model": "m", "results": in_order(ranked, tokens)["results"], "usage": {"total_tokens": tokens}}


def asked(name):
    return lambda body: body[name] if isinstance(body[name], list) else [body[name]]


def google_texts(body):
    return [item["content"]["parts"][0]["text"] for item in body["requests"]]


SUBJECTS = [
    conformance.embedder("openai:text-embedding-3-small", texts=asked("input"), answer=listed, under="/v1"),
    conformance.embedder("mistral:mistral-embed", texts=asked("input"), answer=listed, under="/v1"),
    conformance.embedder("together:m", texts=asked("input"), answer=listed, under="/v1"),
    conformance.embedder("voyage:voyage-3", texts=asked("input"), answer=listed, under="/v1"),
    conformance.embedder("cohere:embed-v4.0", texts=asked("texts"), answer=of_cohere),
    conformance.embedder("ollama:m", texts=asked("input"), answer=of_ollama),
    conformance.embedder("google:gemini-embedding-001", texts=google_texts, answer=of_google),
    conformance.reranker("cohere:rerank-v3.5", texts=asked("documents"), answer=in_order),
    conformance.reranker("voyage:rerank-2", texts=asked("documents"), answer=of_voyage, under="/v1"),
    conformance.reranker("jina:jina-reranker-m0", texts=asked("documents"), answer=of_jina, under="/v1"),
]
CASES = [(subject, case) for subject in SUBJECTS for case in conformance(subject)]


@pytest.fixture(autouse=True)
def _fresh_clients():
    yield
    CLIENTS.close_all()


@pytest.mark.parametrize(("subject", "case"), CASES, ids=[f"{s.kind} {s}: {c}" for s, c in CASES])
def test_an_adapter_of_a_task_conforms(subject, case):
    case.check()
