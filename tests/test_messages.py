"""Messages: plain data that compares, hashes and reads as what it says."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from chainkit import Message, Messages, message
from chainkit.messages import Media, Text, ToolCall, ToolResult, as_messages

HI = Message("user", (Text("hi"),))


@pytest.mark.parametrize(
    ("value", "found"),
    [("hi", (HI,)), (HI, (HI,)), ([HI], (HI,)), ((HI, HI), (HI, HI)), (Messages((HI,)), (HI,)), ("", (message("user", ""),)),
     ([], None), (7, None), (None, None), ({"role": "user"}, None), (["hi"], None), ([HI, "hi"], None), (b"hi", None)],
)  # fmt: skip
def test_what_counts_as_messages(value: Any, found: Any) -> None:
    assert as_messages(value) == found


def test_messages_stay_the_object_they_are() -> None:
    whole = Messages((HI,))
    assert as_messages(whole) is whole


def test_messages_added_to_messages_are_messages_and_read_as_a_transcript() -> None:
    both = Messages((HI,)) + (message("assistant", "there"),)  # noqa: RUF005
    assert type(both) is Messages
    assert str(both) == "user: hi\n\nassistant: there"


def test_a_message_is_made_from_text_and_parts_and_its_text_is_the_text_parts() -> None:
    picture = Media("image", "image/png", data=b"123")
    found = message("user", ["look: ", picture, Text("here")], name="Ann")
    assert found.text == "look: here"
    assert found.parts == (Text("look: "), picture, Text("here"))
    assert found.name == "Ann"
    assert message("user", picture).parts == (picture,)


def test_bytes_do_not_spill_into_a_repr() -> None:
    assert repr(Media("image", "image/png", data=b"x" * 10_000)) == "Media(image, image/png, 10000 bytes)"


def test_messages_are_frozen_equal_by_content_and_can_be_pickled() -> None:
    with pytest.raises(FrozenInstanceError):
        HI.role = "system"
    assert message("user", "hi") == HI
    assert hash(message("user", "hi")) == hash(HI)
    call = Message("assistant", (ToolCall("f", {"a": 1}, "c1"),))
    assert pickle.loads(pickle.dumps(Messages((HI, call)))) == (HI, call)
    assert ToolResult("c1", "ok") != ToolResult("c1", "ok", failed=True)
