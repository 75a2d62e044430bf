"""pydantic-ai."""

from benchmarks.peers import KEY, MODEL, QUESTION

NAME, REQUIRES = "pydantic-ai", ["pydantic-ai-slim[openai]"]
IMPORT = (
    "from pydantic_ai import Agent\nfrom pydantic_ai.models.openai import OpenAIChatModel\n"
    "from pydantic_ai.providers.openai import OpenAIProvider\n"
    "a = Agent(OpenAIChatModel('gpt-4o-mini', provider=OpenAIProvider(base_url=BASE, api_key='sk-benchmark')))"
)


def made(base):
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    return Agent(OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=base, api_key=KEY)))


def sync(base):
    agent = made(base)
    return lambda: agent.run_sync(QUESTION).output


def asynchronous(base):
    agent = made(base)

    async def call():
        return (await agent.run(QUESTION)).output

    return call
