"""LlamaIndex."""

from benchmarks.peers import KEY, MODEL, QUESTION

NAME, REQUIRES = "LlamaIndex", ["llama-index-core", "llama-index-llms-openai"]
IMPORT = (
    "from llama_index.llms.openai import OpenAI\nm = OpenAI(model='gpt-4o-mini', api_base=BASE, api_key='sk-benchmark')"
)


def made(base):
    from llama_index.llms.openai import OpenAI

    return OpenAI(model=MODEL, api_base=base, api_key=KEY, max_retries=0)


def asked():
    from llama_index.core.llms import ChatMessage

    return [ChatMessage(role="user", content=QUESTION)]


def sync(base):
    chat, turns = made(base), asked()
    return lambda: chat.chat(turns).message.content


def stream(base):
    chat, turns = made(base), asked()
    return lambda: sum(1 for c in chat.stream_chat(turns) if c.delta)


def asynchronous(base):
    chat, turns = made(base), asked()

    async def call():
        return (await chat.achat(turns)).message.content

    return call
