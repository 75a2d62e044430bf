"""What is said to a model whose answer did not fit, and what stays for the person when it never did."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chainkit.errors import OutputError
from chainkit.messages import Message, Thinking, ToolCall, ToolResult, message
from chainkit.output import all_attempts, read_text, reask, shape_of

from .output_types import Book


def _error(answer: str) -> OutputError:
    with pytest.raises(OutputError) as caught:
        read_text(shape_of(Book), answer)
    return caught.value


def test_the_model_is_shown_what_it_said_and_what_was_wrong() -> None:
    answer = '{"title": "Emma"}'
    said, again = reask(answer, _error(answer))

    assert said == message("assistant", answer)
    assert again.role == "user"
    assert again.text == (
        "The answer is not a valid Book:\n  year: missing.\n"
        "Answer again with the whole, corrected answer only, and nothing else."
    )


def test_an_empty_answer_is_not_repeated() -> None:
    assert [m.role for m in reask("", _error(""))] == ["user"]


def test_a_reply_goes_back_whole_with_its_thinking() -> None:
    reply = Message("assistant", (Thinking("hm", signature="s"), *message("assistant", "{}").parts))

    assert reask(reply, _error("{}"))[0] is reply


def test_a_tool_call_is_answered_with_a_failed_result() -> None:
    reply = Message("assistant", (ToolCall("Book", {"title": "Emma"}, id="c1"),))
    said, result = reask(reply, _error('{"title": "Emma"}'))

    assert said is reply
    assert result.role == "tool"
    (part,) = result.parts
    assert isinstance(part, ToolResult)
    assert (part.id, part.name, part.failed) == ("c1", "Book", True)
    assert "year: missing" in part.text


def test_the_error_at_the_end_keeps_every_attempt() -> None:
    error = all_attempts([_error("no"), _error("{}")])

    assert [a.text for a in error.attempts] == ["no", "{}"]
    assert "holds no JSON" in error.attempts[0].error
    assert "title: missing" in error.message
    assert "attempts: 2" in str(error)
    assert ".attempts" in (error.cure or "")


def test_the_package_is_imported_without_pydantic() -> None:
    code = "import sys, chainkit.output; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "False"
