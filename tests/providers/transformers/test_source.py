"""Names of models, where they lie, and fetching them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chainkit import classifier, completion, model, profile
from chainkit.errors import BadRequest, ConnectionFailed, MissingExtra, UnknownModel
from chainkit.models.provider import Account
from chainkit_providers.transformers import provider, pulling, source


@pytest.mark.parametrize(
    ("name", "where", "file", "revision"),
    [
        ("gpt2", "gpt2", None, None),
        ("acme/small", "acme/small", None, None),
        ("acme/small@v2.1", "acme/small", None, "v2.1"),
        ("acme/small@refs/pr/3", "acme/small", None, "refs/pr/3"),
        ("acme/small-GGUF/small.Q4.gguf", "acme/small-GGUF", "small.Q4.gguf", None),
        ("acme/small-GGUF@main/q/small.gguf", "acme/small-GGUF", "q/small.gguf", "main"),
    ],
)
def test_a_name_of_a_hub_is_its_repository_file_and_revision(
    name: str, where: str, file: str | None, revision: str | None
) -> None:
    found = source.find(name)
    assert (found.where, found.file, found.revision, found.on_disk) == (where, file, revision, False)
    assert found.arguments["local_files_only"]
    assert not found.arguments["trust_remote_code"]


def test_a_path_is_a_folder_or_a_file(tmp_path: Path) -> None:
    assert source.find(str(tmp_path)).where == str(tmp_path)
    found = source.find(f"{tmp_path}/x.gguf")
    assert (found.where, found.file, found.on_disk) == (str(tmp_path), "x.gguf", True)


def test_what_is_no_name_says_what_one_is() -> None:
    with pytest.raises(UnknownModel, match="names no model"):
        source.find("a/b/c/d")


def test_a_missing_model_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    with pytest.raises(UnknownModel, match="chainkit pull transformers:acme/no-such-model"):
        source.check(source.find("acme/no-such-model"))
    with pytest.raises(UnknownModel, match=r"no config\.json"):
        source.check(source.find(str(tmp_path)))
    with pytest.raises(UnknownModel, match="there is no file"):
        source.check(source.find(f"{tmp_path}/x.gguf"))


@pytest.mark.parametrize(
    ("architecture", "kinds"),
    [
        ("LlamaForCausalLM", {"chat", "complete", "embed"}),
        ("GPT2LMHeadModel", {"chat", "complete", "embed"}),
        ("BertForSequenceClassification", {"classify"}),
        ("BertModel", {"embed"}),
    ],
)
def test_a_profile_is_read_from_the_configuration(tmp_path: Path, architecture: str, kinds: set[str]) -> None:
    held = {"architectures": [architecture], "max_position_embeddings": 4096}
    (tmp_path / "config.json").write_text(json.dumps(held))
    known = profile(f"transformers:{tmp_path}")
    assert known.kinds == kinds
    assert known.context == 4096


def test_the_context_of_a_model_of_several_parts_is_that_of_its_text() -> None:
    assert source.context_of({"text_config": {"max_position_embeddings": 9}}) == 9
    assert source.context_of({"n_positions": 1024}) == 1024
    assert source.context_of({}) is None


def test_without_torch_check_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainkit_providers.transformers.native.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="needs torch and transformers and llguidance") as caught:
        provider.open(Account("transformers")).check("gpt2")
    assert "pip install 'chainkit[transformers]'" in str(caught.value)
    with pytest.raises(MissingExtra):
        model("transformers:gpt2").invoke("Hi")
    with pytest.raises(MissingExtra):
        classifier("transformers:gpt2").invoke("Hi")


def test_a_classifier_completes_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["BertForSequenceClassification"]}')
    with pytest.raises(BadRequest, match="completes no raw text"):
        completion(f"transformers:{tmp_path}").invoke("Hi")


def test_asking_imports_no_torch_before_it_is_asked() -> None:
    import subprocess

    code = (
        "import sys; from chainkit import model, profile; model('transformers:gpt2', temperature=0).render('Hi');"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Hub:
    """A hub that holds what it is told, and remembers what it was asked for."""

    def __init__(self, files: list[str] | Exception) -> None:
        self.files = files
        self.asked: dict[str, Any] = {}

    def list_repo_files(self, repo: str, *, revision: str | None) -> list[str]:
        if isinstance(self.files, Exception):
            raise self.files
        return self.files

    def snapshot_download(self, repo: str, **asked: Any) -> str:
        self.asked = asked
        if "tqdm_class" in asked:
            bar = asked["tqdm_class"](total=10, unit="B", unit_scale=True, name="x", desc="y")
            bar.update(4)
            bar.update(6)
            bar.close()
        return f"/cache/{repo}"


def pull(monkeypatch: pytest.MonkeyPatch, hub: Hub, name: str, **options: Any) -> str:
    hubs = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    monkeypatch.setattr(hubs, "HfApi", lambda: hub)
    return pulling.pull(source.find(name), **options)


def test_a_pull_fetches_one_form_of_the_weights_and_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    hub, told = Hub(["model.safetensors", "pytorch_model.bin", "config.json"]), list[tuple[int, int]]()
    done = pull(monkeypatch, hub, "acme/small@v1", progress=lambda a, b: told.append((a, b)), force=True)
    assert done == "/cache/acme/small"
    assert {"*.bin", "*.py", "*.onnx"} <= set(hub.asked["ignore_patterns"])
    assert (hub.asked["revision"], hub.asked["force_download"]) == ("v1", True)
    assert told == [(4, 10), (10, 10)]
    old = Hub(["pytorch_model.bin"])
    pull(monkeypatch, old, "acme/old")
    assert "*.bin" not in old.asked["ignore_patterns"]


def test_a_pull_of_a_gguf_file_fetches_that_file(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(["a.Q4.gguf", "a.Q8.gguf"])
    pull(monkeypatch, hub, "acme/a/a.Q4.gguf")
    assert hub.asked["allow_patterns"] == ["a.Q4.gguf", "*.json"]
    with pytest.raises(UnknownModel, match=r"holds no b\.gguf") as caught:
        pull(monkeypatch, hub, "acme/a/b.gguf")
    assert "a.Q4.gguf, a.Q8.gguf" in str(caught.value)


def test_a_pull_without_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    errors: Any = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed").errors
    with pytest.raises(ConnectionFailed, match="HF_HUB_OFFLINE"):
        pull(monkeypatch, Hub(errors.OfflineModeIsEnabled("offline")), "acme/small")


def test_a_pull_of_a_folder_only_looks_whether_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert pulling.pull(source.find(str(tmp_path))) == str(tmp_path)


def test_what_was_pulled_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hubs = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    repos = [("model", "acme/b"), ("dataset", "acme/texts"), ("model", "acme/a")]
    held = [SimpleNamespace(repo_type=t, repo_id=n, repo_path=tmp_path / n, size_on_disk=7) for t, n in repos]
    monkeypatch.setattr(hubs, "scan_cache_dir", lambda: SimpleNamespace(repos=held))
    assert [(row["name"], row["bytes"]) for row in provider.models()] == [("acme/a", 7), ("acme/b", 7)]


def test_a_pull_that_breaks_in_the_client_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectionFailed, match="could not be fetched.*no route"):
        pull(monkeypatch, Hub(RuntimeError("no route")), "acme/small")
