"""litellm."""

from benchmarks.peers import KEY, MODEL, QUESTION

NAME, REQUIRES = "litellm", ["litellm"]
IMPORT = "import litellm"
ASK = {"model": f"openai/{MODEL}", "messages": [{"role": "user", "content": QUESTION}], "api_key": KEY}


def sync(base):
    import litellm

    return lambda: litellm.completion(**ASK, api_base=base).choices[0].message.content


def stream(base):
    import litellm

    return lambda: sum(1 for c in litellm.completion(**ASK, api_base=base, stream=True) if c.choices[0].delta.content)


def asynchronous(base):
    import litellm

    async def call():
        return (await litellm.acompletion(**ASK, api_base=base)).choices[0].message.content

    return call
