"""One module a library: how the same things are done with it.

A module has `NAME`, `REQUIRES` (what to install), `IMPORT` (code up to a constructed model, uses BASE) and any
of `sync, stream, chain, asynchronous, compose, items`; each takes the base URL and gives what is measured.
"""

MODEL = "gpt-4o-mini"
KEY = "sk-benchmark"
QUESTION = "Say something short."
TEMPLATE = "Tell me about {a} and {b} as JSON."
VALUES = {"a": "cats", "b": "dogs"}
