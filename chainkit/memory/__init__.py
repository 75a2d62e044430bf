"""Conversations that are remembered: where they are kept, and what of them a model is shown."""

from chainkit.memory.file import FileMemory
from chainkit.memory.sqlite import SqliteMemory
from chainkit.memory.store import Memory
from chainkit.memory.stores import memory

__all__ = ["FileMemory", "Memory", "SqliteMemory", "memory"]
