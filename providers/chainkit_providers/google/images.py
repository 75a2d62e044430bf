"""Pictures: Gemini draws and changes them in `generateContent`, Imagen draws them by `predict`."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Literal

from chainkit.errors import BadRequest, ContentFiltered
from chainkit.messages import Media, ServerItem
from chainkit.models.image import Images
from chainkit.usage import Usage
from chainkit_providers.folding import shaped
from chainkit_providers.google.errors import fault_in, refused
from chainkit_providers.google.parts import media
from chainkit_providers.google.places import STUDIO
from chainkit_providers.google.reply import decode
from chainkit_providers.payload import Json, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.image import ImageRequest
    from chainkit.models.reply import Reply
    from chainkit_providers.google.places import Place

_RATIO, _SIDES = re.compile(r"\d+:\d+"), {"1024x1024": "1K", "2048x2048": "2K", "4096x4096": "4K"}
_SCALES = ("512", "1K", "2K", "4K")


class Drawing:
    """Both forms, by the model's name."""

    name = "image"
    answer: Literal["json", "bytes"] = "json"

    def __init__(self, place: Place = STUDIO) -> None:
        self._place = place

    def path(self, request: ImageRequest) -> str:
        """Where to POST."""
        return self._place.path(request.model, "predict" if _imagen(request.model) else "generateContent")

    def encode(self, request: ImageRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes what the model honours out of `options`. Raises BadRequest."""
        if request.mask is not None:
            raise BadRequest(f"{request.model} takes no mask", cure="say in words which part is to be changed")
        body = _predict(request, options) if _imagen(request.model) else _generate(request, options)
        return body | (options.pop("extra", None) or {})

    def decode(self, body: Any, request: ImageRequest) -> Images:
        """The pictures. Raises ContentFiltered or BadRequest where there is none, or the fault that the body holds."""
        if isinstance(body, dict) and "error" in body:
            raise fault_in(self._place.vendor, body)
        return _predicted(body, request) if _imagen(request.model) else _generated(decode(body), request)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        return refused(self._place.vendor, status, headers, body)


def _imagen(model: str) -> bool:
    return "imagen" in model


def _size(options: dict[str, Any], ratio: str, scale: str) -> Json:
    """A form such as "16:9", a scale such as "2K", both ("16:9 2K"), or the sides of a square."""
    found: Json = {}
    for word in options.pop("size", "").split():
        if _RATIO.fullmatch(word):
            found[ratio] = word
        elif word in _SCALES or word in _SIDES:
            found |= {ratio: "1:1", scale: _SIDES[word]} if word in _SIDES else {scale: word}
        else:
            cure = 'give a form ("16:9"), a scale ("1K", "2K", "4K"), both ("16:9 2K"), or a square ("1024x1024")'
            raise BadRequest(f"google draws no pictures of the size {word!r}", cure=cure)
    return found


def _generate(request: ImageRequest, options: dict[str, Any]) -> Json:
    config: Json = {"responseModalities": ["IMAGE"]}
    if size := _size(options, "aspectRatio", "imageSize"):
        config["imageConfig"] = size
    if "seed" in options:
        config["seed"] = options.pop("seed")
    if options.get("n") == 1:
        del options["n"]
    parts = [{"text": request.prompt}, *map(media, request.images)]
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def _predict(request: ImageRequest, options: dict[str, Any]) -> Json:
    if request.images:
        raise BadRequest(f"{request.model} changes no pictures", cure="use a model of Gemini that draws")
    parameters = _size(options, "aspectRatio", "sampleImageSize") | {"sampleCount": options.pop("n", 1)}
    if "seed" in options:
        # With its watermark the model takes no seed.
        parameters |= {"seed": options.pop("seed"), "addWatermark": False}
    if options.get("format") in ("png", "jpeg"):
        parameters["outputOptions"] = {"mimeType": f"image/{options.pop('format')}"}
    return {"instances": [{"prompt": request.prompt}], "parameters": parameters}


def _generated(reply: Reply, request: ImageRequest) -> Images:
    held = [p.data["inlineData"] for p in reply.parts if isinstance(p, ServerItem) and p.type == "inlineData"]
    images = tuple(_image(h["data"], h.get("mimeType")) for h in held)
    if not images:
        raise _none(request.model, reply.finish_word, reply.text or reply.refusal or "")
    return Images(images=images, usage=reply.usage, model=reply.model, raw=reply.raw)


@shaped("predict")
def _predicted(body: Any, request: ImageRequest) -> Images:
    rows = [p for p in listed(body, "predictions") if "bytesBase64Encoded" in p]
    if not rows:
        why = " ".join(str(p["raiFilteredReason"]) for p in listed(body, "predictions") if "raiFilteredReason" in p)
        raise _none(request.model, "SAFETY", why)
    return Images(
        images=tuple(_image(p["bytesBase64Encoded"], p.get("mimeType")) for p in rows),
        prompts=tuple(p.get("prompt") for p in rows),
        usage=Usage(units=(("images", len(rows)),)),
        model=request.model,
        raw=body,
    )


def _image(data: str, media_type: str | None) -> Media:
    return Media("image", media_type or "image/png", data=b64decode(data))


def _none(model: str, word: str | None, said: str) -> ProviderError:
    """The error for an answer without pictures."""
    why = f": {said[:500]}" if said else ""
    if word in (None, "STOP", "MAX_TOKENS"):
        return BadRequest(f"{model} drew nothing ({word}){why}", cure="ask for a picture in so many words")
    return ContentFiltered(f"{model} drew nothing ({word}){why}", cure="change the description")


DRAW = Drawing()
