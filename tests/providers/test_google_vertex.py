"""Vertex AI: where a model is asked, who is logged in, and what speaks which protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chainkit import errors as e, model, profile, token_counter
from chainkit.testing import faults
from chainkit.testing.server import FaultServer
from chainkit_providers.google import credentials
from chainkit_providers.google.places import STUDIO, vertex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.testing.faults import Seen

VARIABLES = (
    "GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_VERTEX_BASE_URL",
    "GOOGLE_APPLICATION_CREDENTIALS",
)  # fmt: skip


@pytest.fixture(autouse=True)
def env(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    credentials._HELD.clear()
    yield monkeypatch
    credentials._HELD.clear()


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (None, "https://aiplatform.googleapis.com"),
        ("global", "https://aiplatform.googleapis.com"),
        ("europe-west1", "https://europe-west1-aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_the_location_names_the_host(location: str | None, host: str) -> None:
    place = vertex({"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": location or ""}, keyed=False)
    assert place.host == host
    assert place.path("gemini-2.5-pro", "generateContent") == (
        f"v1beta1/projects/p/locations/{location or 'global'}/publishers/google/models/gemini-2.5-pro:generateContent"
    )


def test_models_may_be_named_whole() -> None:
    place = vertex({"GOOGLE_CLOUD_PROJECT": "p"}, keyed=False)
    before = "v1beta1/projects/p/locations/global"
    assert place.of("publishers/google/models/m") == f"{before}/publishers/google/models/m"
    assert place.of("endpoints/12") == f"{before}/endpoints/12"
    assert place.of("projects/q/locations/l/endpoints/1") == "v1beta1/projects/q/locations/l/endpoints/1"
    assert STUDIO.of("models/m") == "v1beta/models/m"
    assert STUDIO.of("tunedModels/a b") == "v1beta/tunedModels/a%20b"


def url(spec: str, **options: Any) -> str:
    (rendered,) = model(spec, **options).render("hi")
    return rendered.url


def test_a_key_alone_is_express_mode_and_a_project_goes_before_a_key_of_the_environment(env: Any) -> None:
    short = "https://aiplatform.googleapis.com/v1beta1/publishers/google/models/m:generateContent"
    env.setenv("GOOGLE_API_KEY", "k" * 20)
    assert url("vertex:m") == short
    env.setenv("GOOGLE_CLOUD_PROJECT", "p")
    assert "/projects/p/locations/global/" in url("vertex:m")
    assert "x-goog-api-key" not in model("vertex:m").render("hi")[0].headers
    assert url("vertex:m", api_key="k" * 20) == short


def test_other_vendors_models_speak_their_own_protocol(env: Any) -> None:
    env.setenv("GOOGLE_CLOUD_PROJECT", "p")
    (claude,) = model("vertex:claude-sonnet-4-5@20250929", max_tokens=9).render("hi")
    assert claude.url.endswith("/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict")
    assert claude.body == {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
    }
    (llama,) = model("vertex:meta/llama-4").render("hi")
    assert llama.url.endswith("/v1beta1/projects/p/locations/global/endpoints/openapi/chat/completions")
    assert llama.body["model"] == "meta/llama-4"


@pytest.mark.parametrize("name", ["claude-sonnet-4-5", "meta/llama-4"])
def test_googles_own_options_are_none_of_theirs(env: Any, name: str) -> None:
    env.setenv("GOOGLE_CLOUD_PROJECT", "p")
    with pytest.raises(e.BadRequest, match="google_labels"):
        model(f"vertex:{name}", vendor={"google_labels": {"a": "b"}}).render("hi")


def test_profiles_are_those_of_whoever_made_the_model() -> None:
    claude, llama, gemini = map(
        profile, ("vertex:claude-sonnet-4-5@20250929", "vertex:meta/llama-4", "vertex:gemini-2.0-flash")
    )
    assert (claude.provider, claude.schema.name, claude.context) == ("vertex", "anthropic", 200_000)
    assert claude.prices is not None
    assert "reasoning" not in llama.options
    assert gemini.fetches == {"image", "audio", "video", "document"}


def test_tokens_of_a_question_to_claude_are_counted_by_its_own_counter(env: Any) -> None:
    with FaultServer(faults.raw('{"input_tokens": 12}')) as server:
        env.setenv("GOOGLE_VERTEX_BASE_URL", server.url)
        count = token_counter(model("vertex:claude-sonnet-4-5", api_key="k" * 20)).invoke("hi")
        (seen,) = server.requests
    assert (count.tokens, count.estimated) == (12, False)
    assert seen.path.endswith("publishers/anthropic/models/count-tokens:rawPredict")
    assert seen.json["model"] == "claude-sonnet-4-5"


def test_what_is_missing_is_said_before_anything_is_sent(env: Any) -> None:
    with pytest.raises(e.AuthenticationError) as nothing:
        model("vertex:gemini-2.5-pro").invoke("hi")
    assert "GOOGLE_CLOUD_PROJECT" in str(nothing.value.cure)
    env.setenv("GOOGLE_CLOUD_PROJECT", "p")
    env.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(e.AuthenticationError, match="no file"):
        model("vertex:gemini-2.5-pro").invoke("hi")
    with pytest.raises(e.AuthenticationError) as studio:
        model("google:gemini-2.5-pro").invoke("hi")
    assert "GEMINI_API_KEY" in str(studio.value.cure)


def test_without_google_auth_the_extra_is_named(env: Any) -> None:
    env.setenv("GOOGLE_CLOUD_PROJECT", "p")
    env.setattr(credentials, "find_spec", lambda _: None)
    with pytest.raises(e.MissingExtra) as missing:
        model("vertex:gemini-2.5-pro").invoke("hi")
    assert "chainkit[vertex]" in str(missing.value.cure)


# Logging in.


class Google:
    """The server of tokens and that of models, on one port."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.tokens = 0

    def __call__(self, seen: Seen) -> Any:
        if seen.path != "/token":
            return "logged in" if "authorization" in {n.lower() for n in seen.headers} else faults.status(401)
        self.tokens += 1
        if self.refuses:
            return faults.raw(json.dumps({"error": "invalid_grant"}), status=400)
        return faults.raw(json.dumps({"access_token": "token-of-the-test", "expires_in": 3600}))


def key_file(folder: Path, url: str) -> str:
    """A service account's key file whose tokens come from that server."""
    pytest.importorskip("google.auth")
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization as form

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    told = {
        "type": "service_account",
        "client_email": "test@p.iam.gserviceaccount.com",
        "private_key": pem,
        "token_uri": f"{url}/token",
        "project_id": "p",
    }
    path = folder / "key.json"
    path.write_text(json.dumps(told))
    return str(path)


def test_a_key_file_is_changed_into_a_token_once_for_many_calls(env: Any, tmp_path: Path) -> None:
    google = Google()
    with FaultServer(google, shape="generate-content") as server:
        env.setenv("GOOGLE_VERTEX_BASE_URL", server.url)
        env.setenv("GOOGLE_CLOUD_PROJECT", "p")
        env.setenv("GOOGLE_APPLICATION_CREDENTIALS", key_file(tmp_path, server.url))
        chain = model("vertex:gemini-2.5-pro")
        assert [chain.invoke("hi").text, chain.invoke("hi").text] == ["logged in"] * 2
        assert "".join(chain.stream("hi")) == "logged in"
        assert "token-of-the-test" not in repr(chain.render("hi"))
    assert google.tokens == 1


def test_a_refused_login_names_the_cure(env: Any, tmp_path: Path) -> None:
    with FaultServer(Google(refuses=True), shape="generate-content") as server:
        env.setenv("GOOGLE_VERTEX_BASE_URL", server.url)
        env.setenv("GOOGLE_CLOUD_PROJECT", "p")
        env.setenv("GOOGLE_APPLICATION_CREDENTIALS", key_file(tmp_path, server.url))
        with pytest.raises(e.AuthenticationError) as refused:
            model("vertex:gemini-2.5-pro").invoke("hi")
    assert "gcloud auth application-default login" in str(refused.value.cure)
