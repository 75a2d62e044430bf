"""DSPy."""

from benchmarks.peers import KEY, MODEL, QUESTION

NAME, REQUIRES = "DSPy", ["dspy"]
IMPORT = "import dspy\nm = dspy.LM('openai/gpt-4o-mini', api_base=BASE, api_key='sk-benchmark', cache=False)"


def made(base):
    import dspy

    return dspy.LM(f"openai/{MODEL}", api_base=base, api_key=KEY, cache=False)


def sync(base):
    chat = made(base)
    return lambda: chat(QUESTION)[0]


def asynchronous(base):
    chat = made(base)

    async def call():
        return (await chat.acall(QUESTION))[0]

    return call
