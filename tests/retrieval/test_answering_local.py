"""The whole way once with a real model, in this process."""

import pytest

from chainkit import index, model

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("local-model")]
SHOP = "# Hours\n\nThe shop opens at 9:30 in the morning. It closes at six in the evening."
BELL = "# Prices\n\nA blue bell costs 12 euros."


def test_a_small_model_answers_from_the_documents_and_what_it_cites_stands_there(local_model: str) -> None:
    found = index([SHOP, BELL])
    small = model(local_model, max_tokens=40, temperature=0)
    ask = found.answering(small, k=1, focus=0.4)
    answer = ask.invoke("What does a blue bell cost?")
    assert answer.found and answer.check(found) == () and "12 euros" in answer.citations[0].quote
    nothing = ask.invoke("Who won the chess championship of 1972?")
    assert not nothing.found and nothing.text == "Not in the documents."
