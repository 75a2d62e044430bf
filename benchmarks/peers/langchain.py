"""LangChain."""

from benchmarks.peers import KEY, MODEL, QUESTION, VALUES
from benchmarks.peers.raw import Person

NAME, REQUIRES = "LangChain", ["langchain-openai", "langchain-core"]
IMPORT = "from langchain_openai import ChatOpenAI\nm = ChatOpenAI(model='gpt-4o-mini', base_url=BASE, api_key='sk-benchmark')"
TEXT = "Tell me about {a} and {b} as JSON."


def made(base):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=MODEL, base_url=base, api_key=KEY, max_retries=0)


def parser():
    from langchain_core.output_parsers import PydanticOutputParser

    return PydanticOutputParser(pydantic_object=Person)


def sync(base):
    chat = made(base)
    return lambda: chat.invoke(QUESTION).content


def chain(base):
    from langchain_core.prompts import ChatPromptTemplate

    whole = ChatPromptTemplate.from_messages([("user", TEXT)]) | made(base.replace("/v1", "/json/v1")) | parser()
    return lambda: whole.invoke(VALUES)


def stream(base):
    chat = made(base)
    return lambda: sum(1 for c in chat.stream(QUESTION) if c.content)


def asynchronous(base):
    chat = made(base)

    async def call():
        return (await chat.ainvoke(QUESTION)).content

    return call


def compose(steps):
    from langchain_core.runnables import RunnableLambda

    whole = RunnableLambda(lambda x: x + 1)
    for _ in range(steps - 1):
        whole = whole | RunnableLambda(lambda x: x + 1)
    return lambda: whole.invoke(0)


def items(count):
    from langchain_core.language_models import FakeListChatModel
    from langchain_core.prompts import ChatPromptTemplate

    whole = (
        ChatPromptTemplate.from_messages([("user", TEXT)])
        | FakeListChatModel(responses=['{"name":"Ada","age":36}'])
        | parser()
    )
    return lambda: whole.batch([VALUES] * count)
