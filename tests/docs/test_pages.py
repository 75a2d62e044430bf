"""Every Python fence of every page runs, in order, in one namespace a page."""

from __future__ import annotations

import linecache
import re
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pages import ROOT, Fence, fences, pages, scripts
from stand_ins import answering

PAGES = pages()
in_a_checkout = pytest.mark.skipif(
    not (ROOT / "Makefile").is_file(), reason="the wheel is tested without the files around it"
)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?://|#|mailto:)(?P<to>[^)#\s]+)[^)]*\)")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _run(fence: Fence, names: dict[str, object]) -> None:
    # Blank lines in front keep the page's own line numbers in a traceback.
    source = "\n" * (fence.line - 1) + fence.text
    linecache.cache[str(fence)] = (len(source), None, source.splitlines(keepends=True), str(fence))
    exec(compile(source, str(fence), "exec"), names)


def _marked(page: Path) -> object:
    """The pages that talk to a server share it."""
    return pytest.param(page, marks=pytest.mark.xdist_group("search server")) if "elasticsearch" in page.name else page


@pytest.mark.parametrize("page", [_marked(p) for p in PAGES], ids=[_name(p) for p in PAGES])
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: Path, alone: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    module = ModuleType("__docs__")
    # A dataclass of a page looks its module up.
    monkeypatch.setitem(sys.modules, "__docs__", module)
    names = module.__dict__
    if "elasticsearch" in page.name:
        request.getfixturevalue("company_wiki")
    with answering():
        for fence in fences(page):
            if fence.language == "python" and fence.skipped is None:
                _run(fence, names)


@pytest.mark.parametrize("script", scripts(), ids=_name)
def test_a_recipe_runs_as_a_file(script: Path, alone: Path) -> None:
    with answering():
        runpy.run_path(str(alone / script.relative_to(ROOT)), run_name="__main__")


@in_a_checkout
@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    missing = [m["to"] for m in _LINK.finditer(text) if not (page.parent / m["to"]).exists()]
    assert not missing


@in_a_checkout
@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_that_a_page_shows_exist(page: Path) -> None:
    shown = [f.text for f in fences(page) if f.language in ("bash", "console", "sh")]
    commands = {m[1] for text in shown for m in re.finditer(r"^(?:\$ )?chainkit ([a-z]+)", text, re.M)}
    targets = {m[1] for text in shown for m in re.finditer(r"^(?:\$ )?make ([a-z]+)", text, re.M)}
    made = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert commands <= {"chat", "ask", "run", "render", "pull", "models", "doctor", "demo"}
    assert targets <= made


def test_a_fence_is_skipped_only_by_a_reason_that_is_shown() -> None:
    words = [
        f
        for page in PAGES
        for f in fences(page)
        if f.language not in ("python", "bash", "text", "toml", "json", "mermaid", "yaml", "csv", "")
    ]
    assert not words
