"""Speech: `generateContent` that answers with sound, which comes as bare samples."""

from __future__ import annotations

import io
import re
import wave
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Literal

from chainkit.errors import ReplyMalformed
from chainkit.messages import Media, ServerItem
from chainkit.models.speak import Speech
from chainkit_providers.google.errors import refused
from chainkit_providers.google.places import STUDIO
from chainkit_providers.google.reply import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.speak import SpeakRequest
    from chainkit_providers.google.places import Place
    from chainkit_providers.payload import Json

_VOICE = "Kore"
"""The voice of the vendor's own examples; one must be named."""
_RATE = re.compile(r"rate=(\d+)")


class Speaking:
    """A text that is read aloud."""

    name = "speak"
    answer: Literal["json", "bytes"] = "json"

    def __init__(self, place: Place = STUDIO) -> None:
        self._place = place

    def path(self, request: SpeakRequest) -> str:
        """Where to POST."""
        return self._place.path(request.model, "generateContent")

    def encode(self, request: SpeakRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes `voice`, `instructions` and a `format` of wav or pcm out of `options`."""
        how = options.pop("instructions", None)
        voice = {"prebuiltVoiceConfig": {"voiceName": options.pop("voice", _VOICE)}}
        if options.get("format") in ("wav", "pcm"):
            del options["format"]
        text = f"{how.rstrip(': ')}: {request.text}" if how else request.text
        config: Json = {"responseModalities": ["AUDIO"], "speechConfig": {"voiceConfig": voice}}
        body: Json = {"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": config}
        return body | (options.pop("extra", None) or {})

    def decode(self, body: Any, request: SpeakRequest) -> Speech:
        """The sound: as wav, or the bare samples (16 bits, one channel) where `format="pcm"`. Raises ReplyMalformed."""
        reply = decode(body)
        held = [p.data["inlineData"] for p in reply.parts if isinstance(p, ServerItem) and p.type == "inlineData"]
        if not held:
            said = f"{reply.finish_word}: {reply.text[:200]!r}"
            raise ReplyMalformed(f"{request.model} answered without sound ({said})", cure="name a model that speaks")
        media = _sound(b"".join(b64decode(h["data"]) for h in held), held[0].get("mimeType") or "", request)
        return Speech(media=media, usage=reply.usage, model=reply.model, raw=reply.raw)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        return refused(self._place.vendor, status, headers, body)


def _sound(data: bytes, media_type: str, request: SpeakRequest) -> Media:
    if not media_type.lower().startswith(("audio/l16", "audio/pcm")):
        return Media("audio", media_type or "audio/wav", data=data)
    if request.options.get("format") == "pcm":
        return Media("audio", "audio/pcm", data=data)
    rate, held = _RATE.search(media_type), io.BytesIO()
    with wave.open(held, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(int(rate[1]) if rate is not None else 24_000)
        written.writeframes(data)
    return Media("audio", "audio/wav", data=held.getvalue())


SPEAK = Speaking()
