"""Prompts: Jinja templates with roles and typed variables."""

from chainkit.prompts.parts import assistant, examples, history, media, system, user
from chainkit.prompts.prompt import Prompt, prompt, prompt_file

__all__ = ["Prompt", "assistant", "examples", "history", "media", "prompt", "prompt_file", "system", "user"]
