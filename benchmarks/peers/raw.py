"""A plain HTTP client: what every ratio is taken against."""

import json

import httpx
from pydantic import BaseModel

from benchmarks.peers import KEY, MODEL, QUESTION, TEMPLATE, VALUES

NAME, REQUIRES = "raw httpx", ["httpx==0.28.1", "pydantic"]
IMPORT = "import httpx\nclient = httpx.Client()"
HEADERS = {"Authorization": f"Bearer {KEY}"}


class Person(BaseModel):
    name: str
    age: int


def body(text, **more):
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}


def sync(base):
    client, url = httpx.Client(headers=HEADERS, timeout=60), f"{base}/chat/completions"
    return lambda: client.post(url, json=body(QUESTION)).json()["choices"][0]["message"]["content"]


def chain(base):
    client, url = httpx.Client(headers=HEADERS, timeout=60), f"{base.replace('/v1', '/json/v1')}/chat/completions"
    return lambda: Person.model_validate_json(
        client.post(url, json=body(TEMPLATE.format(**VALUES))).json()["choices"][0]["message"]["content"]
    )


def text_of(line):
    if line.startswith("data: ") and line != "data: [DONE]":
        choices = json.loads(line[6:])["choices"]
        if choices:
            return choices[0]["delta"].get("content")
    return None


def stream(base):
    client, url = httpx.Client(headers=HEADERS, timeout=60), f"{base}/chat/completions"

    def call():
        with client.stream("POST", url, json=body(QUESTION, stream=True)) as response:
            return sum(1 for line in response.iter_lines() if text_of(line))

    return call


def asynchronous(base):
    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
    client, url = httpx.AsyncClient(headers=HEADERS, timeout=60, limits=limits), f"{base}/chat/completions"

    async def call():
        return (await client.post(url, json=body(QUESTION))).json()["choices"][0]["message"]["content"]

    return call


def astream(base):
    client, url = httpx.AsyncClient(headers=HEADERS, timeout=60), f"{base}/chat/completions"

    async def call():
        async with client.stream("POST", url, json=body(QUESTION, stream=True)) as response:
            return sum([1 async for line in response.aiter_lines() if text_of(line)])

    return call


def compose(steps):
    functions = [lambda x: x + 1] * steps

    def call():
        value = 0
        for function in functions:
            value = function(value)
        return value

    return call


def items(count):
    def one(values):
        return Person.model_validate_json((lambda _: '{"name":"Ada","age":36}')(TEMPLATE.format(**values)))

    return lambda: [one(VALUES) for _ in range(count)]
