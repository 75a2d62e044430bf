"""Answers from passages only: look up, put before the model as data, check what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, get_args

from chainkit.chain import Chain
from chainkit.compose.branch import branch
from chainkit.compose.coerce import as_chain
from chainkit.compose.parallel import assign, parallel
from chainkit.compose.step import constant, identity, step
from chainkit.errors import CompositionError
from chainkit.models.chat import ChatModel
from chainkit.retrieval.answer import Answer, Unsupported
from chainkit.retrieval.grounding.judging import Verdict
from chainkit.retrieval.grounding.parts import (
    Absent,
    Asking,
    InQuestion,
    Putting,
    Question,
    Reading,
    Relevant,
    Shown,
    Writing,
)
from chainkit.retrieval.retriever import Retriever

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.retrieval.indexing import Index

RELEVANT = 0.3
"""The share of a question's terms that a passage holds at the least, where words were searched for."""


class AnsweringOptions(TypedDict, total=False):
    """How answers are made and checked; see `answering`."""

    verify: Any
    unsupported: Unsupported
    instruction: str | None
    context: int | None
    relevance: float | None
    focus: float | None
    trusted: bool | None


def answering(
    retriever: Index | Chain[str, Any] | Callable[[str], Any],
    model: str | Chain[Any, Any],
    k: int = 4,
    *,
    verify: str | Chain[Any, Any] = "overlap",
    unsupported: Unsupported = "mark",
    instruction: str | None = None,
    context: int | None = None,
    relevance: float | None = None,
    focus: float | None = None,
    trusted: bool | None = None,
) -> Chain[str, Answer]:
    """A chain from a question to an `Answer` that stands on passages, its citations checked.

    `retriever` is an index, or any chain or function from a question to passages: a retriever, a web search. The first
    `k` are shown to `model`, of at most `context` characters together.

    `verify` says how each sentence is held against them: "overlap" compares words, figures and names; "quotes" asks the
    model for statements with verbatim quotes, and a quote counts only where it stands in the passage; a model (a string
    or chain) judges, after the comparison of words and in one question for all sentences, whether each passage says so.
    `unsupported` sentences get a "[?]" ("mark"), are left out ("drop"), or stay as they are ("keep"); they are listed in
    the answer in any case. `instruction` takes the place of the words about how to answer.

    Where no passage holds the share `relevance` of the question's terms, the model is not asked; by itself 0.3 for a
    search by words, and no such test for others. `focus` is for small models, which like to say something true about
    something else: where no sentence with the words cited for it holds that share of the question's terms (0.4 is a
    start), the answer is not found. `trusted=False` marks all passages as untrusted, for the model and in the answer; by
    itself their metadata say so. Raises CompositionError for what does not fit.
    """
    if unsupported not in get_args(Unsupported):
        raise CompositionError(f"unsupported={unsupported!r}: a sentence is marked, dropped or kept", cure='say "mark"')
    if k < 1 or (context is not None and context < 1) or not all(0 <= s <= 1 for s in (relevance or 0, focus or 0)):
        msg = f"k={k}, context={context}, relevance={relevance}, focus={focus}: the first two are at least 1, the others 0 to 1"
        raise CompositionError(msg)
    quotes = verify == "quotes"
    found, words = _retriever(retriever, k)
    shown = found | step(Shown(k, context, trusted), inline=True, name="shown")
    looked: Any = step(Question(), inline=True, name="question") | parallel(question=identity(), passages=shown)
    share = relevance if relevance is not None else RELEVANT if words else None
    asked: Any = step(Asking(instruction, quotes), inline=True, name="passages as data") | _model(model, quotes=quotes)
    checked = assign(said=asked) | assign(sentences=step(Reading(quotes), inline=True, name="check citations"))
    if verify not in ("overlap", "quotes"):
        checked |= assign(verdicts=_judging(verify))
    grounded: Any = checked | step(Writing(unsupported, focus), inline=True, name="answer")
    absent: Any = step(Absent(), inline=True, name="not in the documents")
    chain: Any = looked | branch(Relevant(share), grounded, absent)
    return chain.named("answering")


def _retriever(given: Any, k: int) -> tuple[Chain[Any, Any], bool]:
    """The search as a chain, and whether it goes by the question's own words."""
    chain = retriever_of(given, k)
    return chain, isinstance(chain, Retriever) and chain.by == "text" and chain.queries is None


def retriever_of(given: Any, k: int) -> Chain[Any, Any]:
    """What may stand for a search: an index, a chain, a function."""
    from chainkit.retrieval.indexing import Index

    if isinstance(given, Index):
        return given.retriever(k)
    if isinstance(given, str):
        cure = "say index(...) around a folder, or web(...) around a search engine"
        raise CompositionError(f"a search is an index or a chain, and this is a text: {given!r:.60}", cure=cure)
    return as_chain(given)


def _model(model: str | Chain[Any, Any], *, quotes: bool) -> Chain[Any, Any]:
    chain = as_chain(model)
    if not quotes:
        return chain
    from chainkit.retrieval.grounding.statements import Statements

    if isinstance(chain, ChatModel) and chain.output is None:
        # As a schema, which a dump can hold without a name for the class.
        return chain.asking(Statements.model_json_schema())
    if chain.out_type is Statements:
        return chain
    msg = f'verify="quotes" asks for statements with quotes, and `{chain.label}` is no plain model'
    raise CompositionError(msg, cure='hand over model("provider:name", ...) itself, or say verify="overlap"')


def _judging(verify: Any) -> Chain[Any, Any]:
    """One question about all sentences, where there is one."""
    try:
        judge = as_chain(verify)
    except CompositionError as error:
        msg = f'verify={verify!r:.60} is none of "overlap", "quotes", and a model'
        raise CompositionError(msg, cure='say verify="openai:gpt-5-mini"') from error
    if isinstance(judge, ChatModel) and judge.output is None:
        judge = judge.asking(list[Verdict])
    asked: Any = step(Putting(), inline=True, name="claims and passages") | judge
    return branch(InQuestion(), asked, constant(()))
