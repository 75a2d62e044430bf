"""chainkit under LangChain's two interfaces, thin: what lets LangChain's own conformance suite run over our models."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from operator import itemgetter
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel

from chainkit import Run, embedder, model
from chainkit.messages import Media, Message, Messages, Text, Thinking, ToolCall, ToolResult
from chainkit.models.request import ToolSpec
from chainkit.run.events import TextDelta, ThinkingDelta, ToolCallDelta

ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}
OPTIONS = ("temperature", "max_tokens", "stop", "tool_choice")
KINDS = {"image": "image", "audio": "audio", "video": "video", "file": "document"}


class ChatChainkit(BaseChatModel):
    """Any chat model of chainkit, by its name: `ChatChainkit(model="openai:gpt-5-mini")`."""

    model: str
    base_url: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stop: list[str] | None = None
    timeout: float | None = None
    max_retries: int = 2
    streaming: bool = False
    options: dict[str, Any] = {}  # noqa: RUF012 - a field of a pydantic model
    """Further options of our own where a value of a form is asked for."""
    lead: str | None = None
    """What an answer is begun with where a tool is forced: a small model rambles before its call, else."""

    @property
    def _llm_type(self) -> str:
        return "chainkit"

    def _chain(self, stop: list[str] | None, asked: dict[str, Any]) -> Any:
        given = {name: getattr(self, name, None) for name in OPTIONS}
        given |= {name: asked[name] for name in OPTIONS if name in asked}
        options = {name: value for name, value in (given | ({"stop": stop} if stop else {})).items() if value}
        if given["temperature"] is not None:
            options["temperature"] = given["temperature"]
        if self._led(asked):
            options["stop"] = [*(options.get("stop") or ()), "</tool_call>"]
        made = model(
            asked.get("model", self.model),
            base_url=self.base_url,
            output=asked.get("output"),
            tools=asked.get("tools", ()),
            attempts=self.max_retries + 1,
            **(self.options if asked.get("output") is not None else {}),
            **options,
        )
        return made.timeout(self.timeout) if self.timeout else made

    def _led(self, asked: dict[str, Any]) -> bool:
        return self.lead is not None and asked.get("tool_choice") not in (None, "auto", "none")

    def _sent(self, messages: Sequence[BaseMessage], asked: dict[str, Any]) -> Messages:
        found = sent(messages)
        return Messages((*found, Message("assistant", (Text(self.lead),)))) if self._led(asked) else found

    def _generate(self, messages, stop=None, run_manager=None, **asked) -> ChatResult:
        with Run() as run:
            value = self._chain(stop, asked).invoke(self._sent(messages, asked))
        return self._result(value, run, asked)

    async def _agenerate(self, messages, stop=None, run_manager=None, **asked) -> ChatResult:
        with Run() as run:
            value = await self._chain(stop, asked).ainvoke(self._sent(messages, asked))
        return self._result(value, run, asked)

    def _stream(self, messages, stop=None, run_manager=None, **asked) -> Iterator[ChatGenerationChunk]:
        chunk = None
        for event in self._chain(stop, asked).events(self._sent(messages, asked)):
            chunk = self._chunk(event, asked)
            if chunk is not None:
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    async def _astream(self, messages, stop=None, run_manager=None, **asked) -> AsyncIterator[ChatGenerationChunk]:
        async for event in self._chain(stop, asked).aevents(self._sent(messages, asked)):
            chunk = self._chunk(event, asked)
            if chunk is not None:
                if run_manager:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    def _result(self, value: Any, run: Run, asked: dict[str, Any]) -> ChatResult:
        about = self._about(value, run, asked)
        if asked.get("output") is not None:
            answer = AIMessage(as_json(value), **about)
        else:
            calls = [{"name": c.name, "args": dict(c.arguments), "id": c.id} for c in value.tool_calls]
            answer = AIMessage(content(value.thinking, value.text), tool_calls=calls, **about)
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _chunk(self, event: Any, asked: dict[str, Any]) -> ChatGenerationChunk | None:
        kind = type(event)
        if kind is TextDelta:
            answer = AIMessageChunk(event.text)
        elif kind is ThinkingDelta:
            answer = AIMessageChunk([{"type": "reasoning", "reasoning": event.text, "index": 0}])
        elif kind is ToolCallDelta:
            piece = tool_call_chunk(name=event.name, args=event.arguments, id=event.id, index=event.index)
            answer = AIMessageChunk("", tool_call_chunks=[piece])
        elif hasattr(event, "value") and hasattr(event, "run"):
            text = as_json(event.value) if asked.get("output") is not None else ""
            answer = AIMessageChunk(text, chunk_position="last", **self._about(event.value, event.run, asked))
        else:
            return None
        return ChatGenerationChunk(message=answer)

    def _about(self, value: Any, run: Run, asked: dict[str, Any]) -> dict[str, Any]:
        spec = asked.get("model", self.model)
        name = getattr(value, "model", None)
        told = {"model_name": f"{spec.partition(':')[0]}:{name}" if name else spec, "model_provider": "chainkit"}
        if hasattr(value, "finish_reason"):
            told["finish_reason"] = value.finish_reason
        return {"usage_metadata": usage(run), "response_metadata": told}

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **more: Any) -> Any:
        """The model with tools offered; `tool_choice` in LangChain's words: any, auto, none, or a tool's name."""
        found = [tool_spec(tool) for tool in tools]
        choice = {"any": "required", True: "required", False: None}.get(tool_choice, tool_choice)
        return self.bind(tools=found, **({"tool_choice": choice} if choice else {}), **more)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, method: str = "json_schema", strict: Any = None, **more: Any
    ) -> Any:
        """By our own `output=`; by a tool where LangChain is asked for one."""
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw, **more)
        plain = convert_to_json_schema(schema)
        ours = isinstance(schema, type) and (issubclass(schema, BaseModel) or hasattr(schema, "__total__"))
        told = {"kwargs": {"method": method}, "schema": plain}
        asked = self.bind(output=schema if ours else plain, ls_structured_output_format=told)
        of_class = isinstance(schema, type) and hasattr(schema, "parse_obj")
        parser = PydanticOutputParser(pydantic_object=schema) if of_class else JsonOutputParser()
        if not include_raw:
            return asked | parser
        return RunnableMap(raw=asked) | RunnablePassthrough.assign(
            parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
        )


def tool_spec(tool: Any) -> ToolSpec:
    """A tool of any of LangChain's kinds, as ours."""
    told = convert_to_openai_tool(tool)["function"]
    empty = {"type": "object", "properties": {}}
    return ToolSpec(told["name"], told.get("description", ""), told.get("parameters") or empty)


def sent(messages: Sequence[BaseMessage]) -> Messages:
    """LangChain's messages as ours."""
    return Messages(Message(ROLES[m.type], tuple(parts(m)), m.name) for m in messages)


def parts(message: BaseMessage) -> Iterator[Any]:
    """The parts of one message, read from the blocks that LangChain makes of any vendor's content."""
    if isinstance(message, ToolMessage):
        failed = message.status == "error"
        yield ToolResult(message.tool_call_id, message.text or json.dumps(message.content), message.name, failed=failed)
        return
    for block in message.content_blocks:
        kind = block["type"]
        if kind == "text":
            yield Text(block["text"])
        elif kind == "reasoning":
            yield Thinking(block.get("reasoning", ""))
        elif kind in KINDS:
            yield media(block)
    for call in getattr(message, "tool_calls", ()):
        yield ToolCall(call["name"], call["args"], call["id"])


def media(block: Any) -> Media:
    import base64

    data = base64.b64decode(block["base64"]) if "base64" in block else None
    return Media(KINDS[block["type"]], block.get("mime_type", "image/png"), data, block.get("url"))


def content(thinking: str | None, text: str) -> Any:
    """A text alone is a string, as LangChain's users expect; with thinking they are blocks."""
    return [{"type": "reasoning", "reasoning": thinking}, {"type": "text", "text": text}] if thinking else text


def as_json(value: Any) -> str:
    return value.model_dump_json() if isinstance(value, BaseModel) else json.dumps(value, ensure_ascii=False)


def usage(run: Run) -> UsageMetadata | None:
    """What the call used, in LangChain's words; None where nobody said."""
    used = run.usage
    if used.input is None or used.output is None:
        return None
    details_in = {"cache_read": used.cached, "cache_creation": used.cache_write, "audio": used.audio_input}
    details_out = {"reasoning": used.reasoning, "audio": used.audio_output}
    return UsageMetadata(
        input_tokens=used.input,
        output_tokens=used.output,
        total_tokens=used.input + used.output,
        input_token_details={k: v for k, v in details_in.items() if v is not None},
        output_token_details={k: v for k, v in details_out.items() if v is not None},
    )


class ChainkitEmbeddings(Embeddings):
    """Any embedder of chainkit, by its name; queries and documents are told apart where the model does."""

    def __init__(self, model: str, base_url: str | None = None) -> None:
        more = {"base_url": base_url} if base_url else {}
        self.query = embedder(model, task="query", unsupported="warn", **more)
        self.documents = embedder(model, task="document", unsupported="warn", **more)

    def embed_query(self, text: str) -> list[float]:
        return list(self.query.invoke(text).vector)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [list(vector) for vector in self.documents.invoke(texts)]

    async def aembed_query(self, text: str) -> list[float]:
        return list((await self.query.ainvoke(text)).vector)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return [list(vector) for vector in await self.documents.ainvoke(texts)]
