"""Structured output: a type as a schema, the way to ask a model for it, and the way back from text to a value."""

from chainkit.output.adapt import adapt, lint
from chainkit.output.dialect import DIALECTS, GRAMMAR, STRICT, TOOL, Dialect, Finding
from chainkit.output.parse import read, read_call, read_text
from chainkit.output.partial import Partials, partials
from chainkit.output.reask import all_attempts, reask
from chainkit.output.schema import Shape, shape_of
from chainkit.output.strategy import Mode, Way, choose

__all__ = [
    "DIALECTS",
    "GRAMMAR",
    "STRICT",
    "TOOL",
    "Dialect",
    "Finding",
    "Mode",
    "Partials",
    "Shape",
    "Way",
    "adapt",
    "all_attempts",
    "choose",
    "lint",
    "partials",
    "read",
    "read_call",
    "read_text",
    "reask",
    "shape_of",
]
