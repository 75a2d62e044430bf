"""The vendor's SDK, used as its page says."""

from benchmarks.peers import KEY, MODEL, QUESTION

NAME, REQUIRES = "openai SDK", ["openai>=3"]
IMPORT = "import openai\nclient = openai.OpenAI(base_url=BASE, api_key='sk-benchmark')"
ASK = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]}


def sync(base):
    import openai

    client = openai.OpenAI(base_url=base, api_key=KEY)
    return lambda: client.chat.completions.create(**ASK).choices[0].message.content


def stream(base):
    import openai

    client = openai.OpenAI(base_url=base, api_key=KEY)
    return lambda: sum(
        1 for c in client.chat.completions.create(**ASK, stream=True) if c.choices and c.choices[0].delta.content
    )


def asynchronous(base):
    import openai

    client = openai.AsyncOpenAI(base_url=base, api_key=KEY)

    async def call():
        return (await client.chat.completions.create(**ASK)).choices[0].message.content

    return call
