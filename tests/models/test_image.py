"""A description in, pictures out."""

from __future__ import annotations

import sys
from base64 import b64encode
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chainkit import Run, image_model, load, media, prompt, user
from chainkit.errors import BadRequest, CompositionError, ContentFiltered
from chainkit.messages import Media, message
from chainkit.models.image import Images
from chainkit.testing import ScriptedImageModel, check_laws
from chainkit.testing.scripted_tasks import picture
from task_server import Asked, TaskServer, Told, told

CAT = picture("cat")


def answer(asked: Asked) -> Told:
    """As many pictures as were asked for, by JSON or by a form."""
    number = asked.json.get("n", 1) if asked.headers["content-type"] == "application/json" else 1
    rows = [{"b64_json": b64encode(CAT).decode(), "revised_prompt": "a grey cat"}] * number
    return told({"created": 1, "data": rows, "usage": {"input_tokens": 9, "output_tokens": 100, "total_tokens": 109}})


def test_a_text_is_drawn_and_the_picture_saved(tmp_path: Path) -> None:
    with TaskServer(answer) as server, Run() as run:
        chain = image_model("openai:gpt-image-1", size="1024x1024", quality="low", base_url=server.url, api_key="k")
        made = chain.invoke("a cat")
        assert server.asked[0].path == "/images/generations"
        assert server.asked[0].json == {
            "model": "gpt-image-1",
            "prompt": "a cat",
            "size": "1024x1024",
            "quality": "low",
        }
    assert made.image == Media("image", "image/png", data=CAT)
    assert made.revised_prompt == "a grey cat"
    assert made.save(tmp_path / "cat.png") == [tmp_path / "cat.png"]
    assert (tmp_path / "cat.png").read_bytes() == CAT
    assert run.usage.output == 100
    assert run.cost.exact


def test_pictures_that_are_counted_by_none_of_the_lists_prices_cost_nobody_knows_what() -> None:
    body = {"data": [{"b64_json": b64encode(CAT).decode()}]}
    with TaskServer(lambda _: told(body)) as server, Run() as run:
        image_model("openai:gpt-image-1", base_url=server.url, api_key="k").invoke("a cat")
    assert run.usage.units == (("images", 1),)
    assert run.cost.kind == "Unknown"


def test_several_pictures_are_saved_under_numbers_and_get_the_ending_of_their_form(tmp_path: Path) -> None:
    made = ScriptedImageModel(n=2).invoke("a cat")
    assert [p.name for p in made.save(tmp_path / "cat")] == ["cat-1.png", "cat-2.png"]
    assert len(made) == 2
    assert made[1] == made.images[1]


def test_an_older_model_is_asked_for_base64_and_a_newer_one_takes_a_form_and_a_background() -> None:
    [older] = image_model("openai:dall-e-3", api_key="k").render("a cat")
    assert older.body["response_format"] == "b64_json"
    [newer] = image_model("openai:gpt-image-1", api_key="k", format="webp", background="transparent").render("a cat")
    assert newer.body["output_format"] == "webp"
    assert newer.body["background"] == "transparent"
    with pytest.raises(BadRequest, match="cannot honour the option 'background'"):
        image_model("openai:dall-e-3", api_key="k", background="opaque").render("a cat")


def test_messages_with_pictures_ask_for_those_to_be_changed() -> None:
    chain = prompt(user("Make it {{ colour }}", media("photo")), colour=str) | image_model(
        "openai:gpt-image-1", api_key="k"
    )
    [shown] = chain.render({"colour": "green", "photo": CAT})
    assert shown.url == "https://api.openai.com/v1/images/edits"
    data = f"data:image/png;base64,{b64encode(CAT).decode()}"
    assert shown.body == {"model": "gpt-image-1", "prompt": "Make it green", "images": [{"image_url": data}]}


def test_an_older_model_takes_pictures_and_the_mask_in_a_form() -> None:
    with TaskServer(answer) as server:
        chain = image_model("openai:dall-e-2", base_url=server.url, api_key="k")
        chain.invoke({"prompt": "a hat on it", "images": [CAT], "mask": CAT})
        body = server.asked[0].body
    assert server.asked[0].path == "/images/edits"
    assert b'name="image"; filename="image-0.png"' in body
    assert b'name="mask"; filename="image-1.png"' in body
    assert body.count(CAT) == 2


def test_the_form_goes_through_the_vendors_own_client_too() -> None:
    with TaskServer(answer) as server:
        chain = image_model("openai:dall-e-2", base_url=server.url, api_key="k", carrier="sdk")
        assert chain.invoke({"prompt": "a hat on it", "images": [CAT]}).image.data == CAT
        assert CAT in server.asked[0].body


def test_what_others_made_of_the_wire() -> None:
    [together] = image_model("together:flux", api_key="k", size="512x256", seed=7).render("a cat")
    assert together.body == {
        "model": "flux", "prompt": "a cat", "response_format": "base64", "width": 512, "height": 256, "seed": 7,
    }  # fmt: skip
    given = {"prompt": "greener", "images": [CAT]}
    [changed] = image_model("openrouter:google/gemini-image", api_key="k").render(given)  # type: ignore[arg-type]
    assert changed.url == "https://openrouter.ai/api/v1/images"
    assert changed.body["input_references"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    with pytest.raises(BadRequest, match="xai changes no images"):
        image_model("xai:grok-imagine", api_key="k").render(given)  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="openrouter takes no mask"):
        image_model("openrouter:m", api_key="k").render({**given, "mask": CAT})  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="is no width and height"):
        image_model("together:flux", api_key="k", size="auto").render("a cat")


def test_a_picture_that_is_only_a_url_says_so_when_it_is_saved(tmp_path: Path) -> None:
    made = Images(images=(Media("image", "image/jpeg", url="https://img.example/a.jpeg"),))
    with pytest.raises(ValueError, match="only a URL"):
        made.save(tmp_path / "a.jpeg")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"text": "a cat"}, "'text' is none of them"),
        ({"images": [CAT]}, "there is no 'prompt'"),
        ({"prompt": "a", "images": CAT}, "'images' is a list"),
        ({"prompt": "a", "mask": CAT}, "there is no image"),
        ({"prompt": "a", "images": ["cat.png"]}, "and got the text 'cat.png'"),
        (3, "takes a text or messages, and got int"),
    ],
)
def test_what_it_cannot_draw_is_refused(value: object, says: str) -> None:
    with pytest.raises(CompositionError, match=says):
        ScriptedImageModel().invoke(value)  # type: ignore[arg-type]


def test_a_picture_of_the_wrong_kind_is_refused() -> None:
    heard = message("user", ["Draw this", Media("audio", "audio/wav", data=b"RIFF")])
    with pytest.raises(CompositionError, match="takes an image, and got"):
        ScriptedImageModel().invoke(heard)


def test_a_refused_picture_is_content_filtered() -> None:
    said = {"error": {"message": "Your request was rejected.", "code": "moderation_blocked", "type": "image_policy"}}
    with TaskServer(lambda _: told(said, 400)) as server, pytest.raises((ContentFiltered, BadRequest)):
        image_model("openai:gpt-image-1", base_url=server.url, api_key="k").invoke("a cat")


def test_it_keeps_the_laws_and_can_be_loaded() -> None:
    check_laws(ScriptedImageModel(), ["a cat"])
    chain = image_model("openai:gpt-image-1", size="1024x1024")
    assert load(chain.dump()) == chain
