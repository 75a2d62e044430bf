"""chainkit."""

from benchmarks.peers import KEY, MODEL, QUESTION, VALUES
from benchmarks.peers.raw import Person
from chainkit import identity, model, prompt, step
from chainkit.testing.scripted import ScriptedModel

NAME, REQUIRES = "chainkit", []
IMPORT = "from chainkit import model\nm = model('openai:gpt-4o-mini', base_url=BASE, api_key='sk-benchmark')"
ASKED = dict(a=str, b=str)
TEXT = "Tell me about {{ a }} and {{ b }} as JSON."


def made(base, carrier="httpx"):
    return model(f"openai:{MODEL}", base_url=base, api_key=KEY, carrier=carrier)


def sync(base, carrier="httpx"):
    chain = made(base, carrier)
    return lambda: chain.invoke(QUESTION).text


def chain(base):
    whole = prompt(TEXT, **ASKED) | made(base.replace("/v1", "/json/v1")).text | Person.model_validate_json
    return lambda: whole.invoke(VALUES)


def stream(base):
    chain = made(base)
    return lambda: sum(1 for _ in chain.stream(QUESTION))


def asynchronous(base, carrier="httpx"):
    chain = made(base, carrier)

    async def call():
        return (await chain.ainvoke(QUESTION)).text

    return call


def astream(base):
    chain = made(base)

    async def call():
        return sum([1 async for _ in chain.astream(QUESTION)])

    return call


def compose(steps):
    chain = identity()
    for _ in range(steps):
        chain = chain | step(lambda x: x + 1)
    return lambda: chain.invoke(0)


def items(count):
    whole = prompt(TEXT, **ASKED) | ScriptedModel('{"name":"Ada","age":36}').text | Person.model_validate_json
    return lambda: whole.batch([VALUES] * count)
