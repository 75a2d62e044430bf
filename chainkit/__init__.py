"""chainkit: compose language-model pipelines.

Public names are imported when they are first used, so that `import chainkit` loads no package but itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "agent": "tools",
    "AgentResult": "tools",
    "agreed": "ensembles.accept",
    "approved": "ensembles.accept",
    "as_set": "ensembles.lists",
    "assign": "compose.parallel",
    "assistant": "prompts",
    "average": "ensembles.numeric",
    "best": "ensembles.scoring",
    "best_of": "ensembles.best_of",
    "branch": "compose.branch",
    "Budget": "run.budget",
    "by_meaning": "compose.routing",
    "cascade": "ensembles.cascade",
    "Chain": "chain",
    "ChainkitError": "errors",
    "chatting": "memory",
    "classifier": "models.classify",
    "close": "ensembles.field_rules",
    "completion": "models.completion",
    "confident": "ensembles.accept",
    "consistent": "ensembles.consistent",
    "constant": "compose.step",
    "debate": "ensembles.debate",
    "each": "compose.each",
    "embedder": "models.embed",
    "ensemble": "ensembles.members",
    "examples": "prompts",
    "fields": "ensembles.fields",
    "Fill": "models.completion",
    "fuse": "ensembles.fuse",
    "hedge": "ensembles.hedge",
    "history": "prompts",
    "identity": "compose.step",
    "image_model": "models.image",
    "index": "retrieval",
    "intersection": "ensembles.lists",
    "judge": "ensembles.judge",
    "likely": "ensembles.accept",
    "load": "compose.load",
    "longest": "ensembles.field_rules",
    "loop": "compose.loop",
    "mcp": "tools",
    "media": "prompts",
    "median": "ensembles.numeric",
    "medoid": "ensembles.medoid",
    "message": "messages",
    "Message": "messages",
    "Messages": "messages",
    "mixture": "ensembles.mixture",
    "model": "models.chat",
    "pairwise": "ensembles.pairwise",
    "parallel": "compose.parallel",
    "profile": "models.registry",
    "prompt": "prompts",
    "prompt_file": "prompts",
    "ProviderBatch": "models.batches",
    "race": "ensembles.race",
    "rank": "ensembles.rank",
    "Reply": "models.reply",
    "reranker": "models.rerank",
    "route": "compose.branch",
    "Run": "run.run",
    "sequence": "compose.sequence",
    "speaker": "models.speak",
    "step": "compose.step",
    "system": "prompts",
    "token_counter": "compose.count",
    "tool": "tools",
    "ToolContext": "tools",
    "transcriber": "models.transcribe",
    "trimmed": "ensembles.numeric",
    "union": "ensembles.lists",
    "user": "prompts",
    "Verdict": "ensembles.verdict",
    "vote": "ensembles.vote",
    "weighted": "ensembles.vote",
}
"""Each public name and the module, below this one, that it lives in."""

__all__ = ["__version__", *_WHERE]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from chainkit.chain import Chain as Chain
    from chainkit.compose.branch import branch as branch
    from chainkit.compose.branch import route as route
    from chainkit.compose.count import token_counter as token_counter
    from chainkit.compose.each import each as each
    from chainkit.compose.load import load as load
    from chainkit.compose.loop import loop as loop
    from chainkit.compose.parallel import assign as assign
    from chainkit.compose.parallel import parallel as parallel
    from chainkit.compose.routing import by_meaning as by_meaning
    from chainkit.compose.sequence import sequence as sequence
    from chainkit.compose.step import constant as constant
    from chainkit.compose.step import identity as identity
    from chainkit.compose.step import step as step
    from chainkit.ensembles.accept import agreed as agreed
    from chainkit.ensembles.accept import approved as approved
    from chainkit.ensembles.accept import confident as confident
    from chainkit.ensembles.accept import likely as likely
    from chainkit.ensembles.best_of import best_of as best_of
    from chainkit.ensembles.cascade import cascade as cascade
    from chainkit.ensembles.consistent import consistent as consistent
    from chainkit.ensembles.debate import debate as debate
    from chainkit.ensembles.field_rules import close as close
    from chainkit.ensembles.field_rules import longest as longest
    from chainkit.ensembles.fields import fields as fields
    from chainkit.ensembles.fuse import fuse as fuse
    from chainkit.ensembles.hedge import hedge as hedge
    from chainkit.ensembles.judge import judge as judge
    from chainkit.ensembles.lists import as_set as as_set
    from chainkit.ensembles.lists import intersection as intersection
    from chainkit.ensembles.lists import union as union
    from chainkit.ensembles.medoid import medoid as medoid
    from chainkit.ensembles.members import ensemble as ensemble
    from chainkit.ensembles.mixture import mixture as mixture
    from chainkit.ensembles.numeric import average as average
    from chainkit.ensembles.numeric import median as median
    from chainkit.ensembles.numeric import trimmed as trimmed
    from chainkit.ensembles.pairwise import pairwise as pairwise
    from chainkit.ensembles.race import race as race
    from chainkit.ensembles.rank import rank as rank
    from chainkit.ensembles.scoring import best as best
    from chainkit.ensembles.verdict import Verdict as Verdict
    from chainkit.ensembles.vote import vote as vote
    from chainkit.ensembles.vote import weighted as weighted
    from chainkit.errors import ChainkitError as ChainkitError
    from chainkit.memory import chatting as chatting
    from chainkit.messages import Message as Message
    from chainkit.messages import Messages as Messages
    from chainkit.messages import message as message
    from chainkit.models.batches import ProviderBatch as ProviderBatch
    from chainkit.models.chat import model as model
    from chainkit.models.classify import classifier as classifier
    from chainkit.models.completion import Fill as Fill
    from chainkit.models.completion import completion as completion
    from chainkit.models.embed import embedder as embedder
    from chainkit.models.image import image_model as image_model
    from chainkit.models.registry import profile as profile
    from chainkit.models.reply import Reply as Reply
    from chainkit.models.rerank import reranker as reranker
    from chainkit.models.speak import speaker as speaker
    from chainkit.models.transcribe import transcriber as transcriber
    from chainkit.prompts import assistant as assistant
    from chainkit.prompts import examples as examples
    from chainkit.prompts import history as history
    from chainkit.prompts import media as media
    from chainkit.prompts import prompt as prompt
    from chainkit.prompts import prompt_file as prompt_file
    from chainkit.prompts import system as system
    from chainkit.prompts import user as user
    from chainkit.retrieval import index as index
    from chainkit.run.budget import Budget as Budget
    from chainkit.run.run import Run as Run
    from chainkit.tools import AgentResult as AgentResult
    from chainkit.tools import ToolContext as ToolContext
    from chainkit.tools import agent as agent
    from chainkit.tools import mcp as mcp
    from chainkit.tools import tool as tool


def __getattr__(name: str) -> Any:
    where = _WHERE.get(name)
    if where is None:
        msg = f"module 'chainkit' has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    value = getattr(import_module(f"chainkit.{where}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
