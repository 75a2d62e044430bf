"""The image wires: `POST /images/generations` and `/images/edits`, and what others made of them."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from chainkit.errors import BadRequest
from chainkit.messages import Media
from chainkit.models.image import Images
from chainkit.models.media import media_type_of, of_url, suffix
from chainkit.models.multipart import Multipart, Upload
from chainkit.usage import Usage
from chainkit_providers.openai.cost import told
from chainkit_providers.openai.dialect import Dialect, ToldCost
from chainkit_providers.payload import Json, inner, listed, malformed, media_url, whole
from chainkit_providers.task_wire import VendorWire, add_extra, move

if TYPE_CHECKING:
    from chainkit.models.image import ImageRequest

Edits: TypeAlias = Literal["openai", "input_references", "image_url"]
OPTIONS = {"size": "size", "n": "n", "quality": "quality"}
_NEWER = re.compile(r"gpt-image|chatgpt-image|gpt-5.*-image")
"""OpenAI's models that answer in base64 unasked, choose a form and a background, and take pictures within JSON."""


@dataclass(frozen=True)
class ImagesWire(VendorWire):
    """Images in one vendor's words.

    `options` maps ours to its fields; `always` is sent with each request. `edits` is how pictures are sent that are
    to be changed, None where it takes none. `sides` sends a size as width and height. `cost` is where the vendor
    tells what an answer cost.
    """

    name: str = field(default="image", init=False)
    place: str = "images/generations"
    options: Mapping[str, str] = field(default_factory=lambda: dict(OPTIONS))
    always: Mapping[str, Any] = field(default_factory=dict[str, Any])
    edits: Edits | None = None
    sides: bool = False
    cost: ToldCost | None = None

    def path(self, request: ImageRequest) -> str:
        """Where to: OpenAI has another place for pictures that are to be changed."""
        return self.prefix + ("images/edits" if request.images and self.edits == "openai" else self.place)

    def encode(self, request: ImageRequest, options: dict[str, Any]) -> Json | Multipart:
        """The body; takes what the vendor honours out of `options`."""
        body: Json = {"model": request.model, "prompt": request.prompt, **self._always(request)}
        if self.sides and "size" in options:
            body["width"], body["height"] = _sides(options.pop("size"))
        move(options, self._options(request), body)
        add_extra(options, body)
        if not request.images:
            return body
        if request.mask is not None and self.edits != "openai":
            raise BadRequest(f"{self.provider} takes no mask; nothing was sent", cure="describe what is to change")
        return self._edit(request, body)

    def _newer(self, request: ImageRequest) -> bool:
        return self.edits == "openai" and _NEWER.search(request.model) is not None

    def _options(self, request: ImageRequest) -> Mapping[str, str]:
        newer = {"background": "background", "format": "output_format"} if self._newer(request) else {}
        return {**self.options, **newer}

    def _always(self, request: ImageRequest) -> Mapping[str, Any]:
        return {} if self._newer(request) else self.always

    def _edit(self, request: ImageRequest, body: Json) -> Json | Multipart:
        if self.edits == "input_references":
            body["input_references"] = [
                {"type": "image_url", "image_url": {"url": media_url(i)}} for i in request.images
            ]
        elif self.edits == "image_url":
            only, *more = request.images
            if more:
                raise BadRequest(f"{self.provider} takes one image to change, not {len(more) + 1}; nothing was sent")
            body["image_url"] = media_url(only)
        elif self.edits is None:
            raise BadRequest(f"{self.provider} changes no images; nothing was sent", cure="describe what to draw")
        elif self._newer(request):
            body["images"] = [{"image_url": media_url(i)} for i in request.images]
            if request.mask is not None:
                body["mask"] = {"image_url": media_url(request.mask)}
        else:
            return self._form(request, body)
        return body

    def _form(self, request: ImageRequest, body: Json) -> Multipart:
        files = [
            ("image" if len(request.images) == 1 else "image[]", _upload(i, n)) for n, i in enumerate(request.images)
        ]
        if request.mask is not None:
            files.append(("mask", _upload(request.mask, len(files))))
        return Multipart(body, files)

    def decode(self, body: Any, request: ImageRequest) -> Images:
        """The images. Raises ReplyMalformed."""
        with self.reading("images", body) as found:
            return self._read(found, body, request)

    def _read(self, found: Json, body: Any, request: ImageRequest) -> Images:
        rows = listed(found, "data")
        if not rows:
            raise malformed("images", body, "data")
        usage = inner(found, "usage")
        return Images(
            images=tuple(_image(row, found) for row in rows),
            prompts=tuple(row.get("revised_prompt") or None for row in rows),
            usage=_usage(usage, len(rows)),
            model=found.get("model") or request.model,
            raw=body,
            price=told(usage, Dialect(self.provider, cost=self.cost)),
        )


def _sides(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise BadRequest(f"size={size!r} is no width and height; nothing was sent", cure="size='1024x1024'")
    return int(width), int(height)


def _upload(image: Media, number: int) -> Upload:
    if image.data is None:
        raise BadRequest("an image to be changed is sent as bytes, and this is a URL; nothing was sent")
    return Upload(image.name or f"image-{number}{suffix(image.media_type)}", image.data, image.media_type)


def _image(row: Json, found: Json) -> Media:
    text = row.get("b64_json")
    if not isinstance(text, str) or not text:
        url = row.get("url")
        if not isinstance(url, str):
            raise malformed("images", row, "b64_json or url")
        said = row.get("mime_type") or row.get("media_type")
        return Media("image", said, url=url) if isinstance(said, str) else of_url(url, "image")
    data = b64decode(text)
    said = row.get("media_type") or f"image/{found.get('output_format') or 'png'}"
    return Media("image", media_type_of(data) or str(said), data=data)


def _usage(usage: Json, images: int) -> Usage:
    given, made = (
        usage.get("input_tokens", usage.get("prompt_tokens")),
        usage.get("output_tokens", usage.get("completion_tokens")),
    )
    if given is None and made is None:
        return Usage(units=(("images", images),))
    return Usage(input=whole(given), output=whole(made))
