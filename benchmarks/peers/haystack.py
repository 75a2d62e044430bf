"""Haystack."""

from benchmarks.peers import KEY, MODEL, QUESTION

NAME, REQUIRES = "Haystack", ["haystack-ai"]
IMPORT = (
    "from haystack.components.generators.chat import OpenAIChatGenerator\nfrom haystack.utils import Secret\n"
    "g = OpenAIChatGenerator(model='gpt-4o-mini', api_base_url=BASE, api_key=Secret.from_token('sk-benchmark'))"
)


def made(base):
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.utils import Secret

    return OpenAIChatGenerator(model=MODEL, api_base_url=base, api_key=Secret.from_token(KEY))


def sync(base):
    from haystack.dataclasses import ChatMessage

    generator, asked = made(base), [ChatMessage.from_user(QUESTION)]
    return lambda: generator.run(asked)["replies"][0].text


def asynchronous(base):
    from haystack.dataclasses import ChatMessage

    generator, asked = made(base), [ChatMessage.from_user(QUESTION)]

    async def call():
        return (await generator.run_async(asked))["replies"][0].text

    return call
