"""By tokens: as many as a model reads at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from chainkit.chain import Chain
from chainkit.documents import Chunk, Document
from chainkit.errors import CompositionError
from chainkit.models.count import estimate
from chainkit.retrieval.splitting.filling import back, cut_of
from chainkit.retrieval.splitting.outline import Outline, outline
from chainkit.retrieval.splitting.spans import INK, Passage, Span, chunks, trimmed, whole
from chainkit.retrieval.splitting.splitter import Splitter, sized


@runtime_checkable
class Tokenizer(Protocol):
    """What has `encode(text)`: a tokenizer of tokenizers, tiktoken or transformers."""

    def encode(self, text: str, /) -> Any:
        """The tokens, or something with their `ids`."""
        ...


Counted: TypeAlias = str | Chain[Any, Any] | Tokenizer | Callable[[str], int] | None

_GUESS = 3.0
"""Characters of a token, before any was counted."""
_CLOSE = 0.9
"""How full a piece must be before no longer one is looked for."""
_TRIES = 12


@dataclass(frozen=True, repr=False)
class ByTokens(Splitter):
    """See `by_tokens`."""

    size: int = 256
    overlap: int = 0
    count: Any = None

    def __post_init__(self) -> None:
        sized(self.size, self.overlap, "tokens")
        if not (self.count is None or isinstance(self.count, str | Chain | Tokenizer) or callable(self.count)):
            msg = f"count= is {type(self.count).__name__}: {self.count!r:.60}"
            raise CompositionError(msg, cure="give a model, a tokenizer with encode(), or a function of a text")

    def __repr__(self) -> str:
        return f"ByTokens(size={self.size}, overlap={self.overlap}, count={_named(self.count)})"

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        cutting = _Cutting(document.text, outline(document.text), self.size, self.overlap, counter(self.count))
        return chunks(document, cutting.passages())


class _Cutting:
    """One text being cut: how many characters a token had so far tells where to look for the next cut."""

    def __init__(self, text: str, marks: Outline, size: int, overlap: int, count: Callable[[str], int]) -> None:
        self.text, self.marks, self.size, self.overlap, self.count = text, marks, size, overlap, count
        self.per_token = _GUESS

    def passages(self) -> Iterator[Passage]:
        for start, end, path in self.marks.sections:
            for a, b in self._filled(*trimmed(self.text, start, end)):
                yield a, b, path

    def _filled(self, start: int, end: int) -> Iterator[Span]:
        reached = start
        while start < end:
            most = self._most(start, end)
            cut = end if most == end else self._cut(start, reached, most)
            if cut <= reached and start < reached:
                start = reached
                continue
            stop = start + len(self.text[start:cut].rstrip())
            yield start, stop
            follows = INK.search(self.text, cut, end)
            if follows is None:
                return
            reached = follows.start()
            start = back(self.text, start, reached, stop, self._shared(start, stop)) if self.overlap else reached

    def _most(self, start: int, end: int) -> int:
        """How far the tokens reach: the text up to there was counted, and fits."""
        low, high = start, end + 1
        at = min(end, start + max(1, round(self.size * self.per_token)))
        for _ in range(_TRIES):
            tokens = self.count(self.text[start:at])
            self.per_token = max(0.1, (at - start) / max(1, tokens))
            if tokens > self.size:
                high = at
            else:
                low = at
                if at == end or tokens >= _CLOSE * self.size:
                    break
            if high - low <= 1:
                break
            guess = start + int(self.size * self.per_token * 0.97)
            at = guess if low < guess < high else (low + high) // 2
            at = min(at, end)
        return max(low, min(end, start + 1))

    def _cut(self, start: int, reached: int, most: int) -> int:
        """A good cut that fits. A shorter text rarely has more tokens than a longer one, but it may."""
        if most <= reached + 1:
            return whole(self.text, start, most)
        cut = cut_of(self.text, start, reached, most, self.marks)
        while cut > reached + 1 and self.count(self.text[start:cut].rstrip()) > self.size:
            cut = whole(self.text, reached, reached + (cut - reached) * 3 // 4)
        return cut

    def _shared(self, start: int, stop: int) -> int:
        """How many characters from the end are as many tokens as are shared."""
        low, high = 0, stop - start
        while high - low > 1:
            middle = (low + high) // 2
            fits = self.count(self.text[stop - middle : stop]) <= self.overlap
            low, high = (middle, high) if fits else (low, middle)
        return low


def _named(count: Any) -> str:
    """What tells one way of counting from another, without an address."""
    if count is None or isinstance(count, str | Chain):
        return repr(count)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(count, Tokenizer):
        about = getattr(count, "name", None) or getattr(count, "name_or_path", None) or ""
        size = getattr(count, "get_vocab_size", None)
        return f"{type(count).__name__}({about or (size() if callable(size) else '')})"
    return f"{getattr(count, '__module__', '')}:{getattr(count, '__qualname__', type(count).__name__)}"


def counter(count: Counted) -> Callable[[str], int]:
    """What counts tokens: an estimate, a model that is asked, a tokenizer's own count, or a function as it is."""
    if count is None:
        return estimate
    if isinstance(count, str | Chain):
        return _asked(count)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(count, Tokenizer):
        return _encoded(count)
    return count


def _asked(model: str | Chain[Any, Any]) -> Callable[[str], int]:
    from chainkit.compose.count import token_counter

    asked: Any = token_counter(model)  # pyright: ignore[reportUnknownVariableType]
    return lambda text: int(asked.invoke(text))


def _encoded(tokenizer: Any) -> Callable[[str], int]:
    plain = getattr(tokenizer, "encode_ordinary", None)
    if plain is not None:
        return lambda text: len(plain(text))
    try:
        tokenizer.encode("a", add_special_tokens=False)
    except TypeError:
        return lambda text: _length(tokenizer.encode(text))
    return lambda text: _length(tokenizer.encode(text, add_special_tokens=False))


def _length(encoded: Any) -> int:
    return len(getattr(encoded, "ids", encoded))


def by_tokens(size: int = 256, *, overlap: int = 0, count: Counted = None) -> ByTokens:
    """Chunks of at most `size` tokens, cut where `recursive` cuts, `overlap` tokens shared with the chunk before.

    `count` says who counts: a model (a provider that counts is asked, several times a chunk: that is for short
    texts), a tokenizer (of tokenizers, tiktoken, transformers), or a function from a text to a number. Without it
    an estimate is made, off by a tenth on average: leave room. Raises CompositionError for what cannot count.
    """
    return ByTokens(size, overlap, count)
