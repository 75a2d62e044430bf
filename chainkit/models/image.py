"""Images: a description in, pictures out; with pictures in it, they are edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict, Unpack, cast

from chainkit.errors import CompositionError
from chainkit.messages import Media, Promptable, as_messages, counted_text
from chainkit.models.media import MediaLike, as_media, suffix
from chainkit.models.reached import Reach
from chainkit.models.task import Task, TaskReply, TaskRequest, only, task_model, text_of

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.models.profile import Profile


class ImageEdit(TypedDict, total=False):
    """A change to pictures: what to do, the pictures, and which part of the first may change (a mask's holes)."""

    prompt: str
    images: Sequence[MediaLike]
    mask: MediaLike


@dataclass(slots=True)
class ImageRequest(TaskRequest):
    """A description; with `images` they are to be changed. Options: `size`, `n`, `quality`, `background`, `format`, `seed`."""

    kind: ClassVar[str] = "image"
    media: ClassVar[tuple[str, ...]] = ("images", "mask")
    prompt: str = ""
    images: tuple[Media, ...] = ()
    mask: Media | None = None

    @property
    def size(self) -> int:
        """Characters of text that the model reads."""
        return len(self.prompt)


@dataclass(slots=True)
class Images(TaskReply):
    """What was drawn: a sequence of image parts; `image` is the first. `prompts` are the descriptions as the model
    rewrote them, where it says so."""

    images: tuple[Media, ...] = ()
    prompts: tuple[str | None, ...] = ()

    @property
    def image(self) -> Media:
        """The first image."""
        return self.images[0]

    @property
    def revised_prompt(self) -> str | None:
        """The description of the first image as the model rewrote it."""
        return self.prompts[0] if self.prompts else None

    def save(self, path: str | Path) -> list[Path]:
        """Write them to files: `path` for a single one, `path` with -1, -2 ... before its ending for several.

        A path without an ending gets that of the image's form. Raises ValueError for an image that is only a URL.
        """
        place = Path(path)
        return [i.save(_numbered(place, i, n if len(self.images) > 1 else 0)) for n, i in enumerate(self.images, 1)]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, at: int) -> Media:
        return self.images[at]

    def __repr__(self) -> str:
        return f"Images({', '.join(map(repr, self.images))})"


def _numbered(path: Path, image: Media, number: int) -> Path:
    named = path if path.suffix else path.with_suffix(suffix(image.media_type))
    return named.with_stem(f"{named.stem}-{number}") if number else named


class ImageOptions(Reach, total=False):
    """Options of an image model."""

    size: str
    n: int
    quality: str
    background: Literal["transparent", "opaque", "auto"]
    format: Literal["png", "jpeg", "webp"]
    seed: int
    unsupported: Literal["raise", "warn"]
    extra: Mapping[str, Any]
    vendor: Mapping[str, Any]


def image_model(spec: str, **options: Unpack[ImageOptions]) -> Chain[Promptable | ImageEdit, Images]:
    """A model that draws: a text or messages in, `Images` out.

    Messages with images in them, or `{"prompt": ..., "images": [...], "mask": ...}`, ask for those to be changed.
    `size` is "1024x1024" or another that the model has, `n` how many, `quality` the model's own word, `background`
    "transparent" or "opaque", `format` "png", "jpeg" or "webp". `Images.save(path)` writes them. Raises
    CompositionError for a bad spec or option, UnknownModel for an unknown provider.
    """
    return task_model(TASK, spec, options)


def _requests(model: str, value: Any, options: Mapping[str, Any], profile: Profile) -> list[ImageRequest]:
    if isinstance(value, Mapping):
        return [_edit(model, cast("Mapping[str, Any]", value), options)]
    text = counted_text(value)
    messages = as_messages(value if text is None else text)
    if messages is None:
        msg = f"an image model takes a text or messages, and got {type(value).__name__}: {value!r:.60}"
        raise CompositionError(msg, cure="put a prompt(...) or a step before it")
    media = [p for m in messages for p in m.parts if isinstance(p, Media)]
    images = tuple(as_media(part, "image", "an image model") for part in media)
    return [ImageRequest(model, options, prompt="\n\n".join(m.text for m in messages if m.text), images=images)]


def _edit(model: str, value: Mapping[str, Any], options: Mapping[str, Any]) -> ImageRequest:
    unknown = sorted(value.keys() - {"prompt", "images", "mask"})
    if unknown or "prompt" not in value:
        what = f"{unknown[0]!r} is none of them" if unknown else "there is no 'prompt'"
        msg = f"an image model takes 'prompt', 'images' and 'mask', and {what}"
        raise CompositionError(msg, cure="put a prompt(...) before it, which makes messages of other variables")
    given: Any = value.get("images", ())
    if isinstance(given, str | bytes | Media | Path):
        raise CompositionError("'images' is a list, and got one image", cure='{"images": [image]}')
    images = tuple(as_media(i, "image", "an image model") for i in given)
    mask = as_media(value["mask"], "image", "an image model's mask") if value.get("mask") is not None else None
    if mask is not None and not images:
        raise CompositionError("a mask says which part of an image may change, and there is no image")
    return ImageRequest(model, options, prompt=text_of(value["prompt"], "'prompt'"), images=images, mask=mask)


TASK = Task(
    "image",
    Promptable | ImageEdit,
    Images,
    frozenset({"size", "n", "quality", "background", "format", "seed"}),
    _requests,
    only,
)
