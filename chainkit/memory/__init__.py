"""Conversations that are remembered: where they are kept, and what of them a model is shown."""

from chainkit.memory.chatting import chatting
from chainkit.memory.file import FileMemory
from chainkit.memory.keeping import last, tokens
from chainkit.memory.recall import recall
from chainkit.memory.sqlite import SqliteMemory
from chainkit.memory.store import Memory
from chainkit.memory.stores import memory
from chainkit.memory.summary import summary

__all__ = ["FileMemory", "Memory", "SqliteMemory", "chatting", "last", "memory", "recall", "summary", "tokens"]
