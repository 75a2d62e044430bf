"""Azure: where requests go, what opens the door, and clients and token functions that are handed over."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from chainkit import embedder, message, model
from chainkit.errors import AuthenticationError, BadRequest, CompositionError, ContentFiltered
from chainkit.messages import Media
from chainkit.models.http import HttpProvider
from chainkit.models.provider import Account
from chainkit.models.registry import register, unregister
from chainkit_providers.azure import Place, TokenSigner, azure, place, provider

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = "https://mine.openai.azure.com"
V1, DATED = f"{HERE}/openai/v1", "?api-version=2024-10-21"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*provider.key_env, *provider.base_url_env, "OPENAI_API_VERSION", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    # A page of the documentation may have put another in its place, in this process.
    unregister("azure")


class Azure(ThreadingHTTPServer):
    """A stand-in on this machine that notes what it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Azure

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.path, headers, asked))
        message = {"role": "assistant", "content": "Moin."}
        answer = json.dumps(
            {"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        )
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Azure]:
    with Azure() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("url", "version", "expected"),
    [
        (HERE, "", Place(V1)),
        (f"{HERE}/openai", "", Place(V1)),
        (f"{V1}/", "", Place(V1)),
        (HERE, "2024-10-21", Place(HERE, DATED, True)),
        (f"{HERE}/openai{DATED}", "", Place(HERE, DATED, True)),
        (V1, "2024-10-21", Place(V1)),
        (f"{HERE}?api-version=preview", "", Place(V1, "?api-version=preview")),
        (HERE, "v1", Place(V1)),
        (f"{HERE}/openai/deployments/a{DATED}", "", Place(f"{HERE}/openai/deployments/a", DATED)),
        (
            f"https://mine.services.ai.azure.com/models{DATED}",
            "",
            Place("https://mine.services.ai.azure.com/models", DATED),
        ),
    ],
)
def test_an_address_leads_to_the_v1_endpoint_or_to_what_it_names(url: str, version: str, expected: Place) -> None:
    assert place(url, version) == expected


@pytest.mark.parametrize(
    ("version", "api", "path"),
    [
        ("", "chat", "/openai/v1/chat/completions"),
        ("", "responses", "/openai/v1/responses"),
        ("2024-10-21", "chat", f"/openai/deployments/my%20model/chat/completions{DATED}"),
        ("2024-10-21", "responses", f"/openai/responses{DATED}"),
    ],
)
def test_a_dated_version_in_the_environment_chooses_the_older_form(
    version: str, api: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"{HERE}/")
    monkeypatch.setenv("OPENAI_API_VERSION", version)
    asked = model("azure:my model", api=api, api_key="k").render("hi")[0]
    assert (asked.url, asked.headers["api-key"]) == (HERE + path, "***")


def test_embeddings_go_to_their_deployment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    if "embed" not in provider.tasks:
        pytest.skip("azure has no embeddings here")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", HERE)
    assert embedder("azure:e", api_key="k").render("hi")[0].url == f"{V1}/embeddings"


def test_a_key_goes_in_its_own_header_and_a_token_as_a_bearer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", HERE)
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "hush")
    headers = model("azure:m").render("hi")[0].headers
    assert headers["authorization"] == "Bearer ***"
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "hush")
    headers = model("azure:m").render("hi")[0].headers
    assert headers["api-key"] == "***"
    assert "authorization" not in headers


def test_a_key_of_the_environment_goes_to_azures_own_hosts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "hush")
    for host in ("mine.openai.azure.com", "mine.services.ai.azure.com", "mine.cognitiveservices.azure.com"):
        assert "api-key" in model("azure:m", base_url=f"https://{host}").render("hi")[0].headers
    assert "api-key" not in model("azure:m", base_url="https://azure.example").render("hi")[0].headers


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthenticationError, match="AZURE_OPENAI_ENDPOINT"):
        model("azure:m", api_key="k").render("hi")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", HERE)
    with pytest.raises(AuthenticationError, match="AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN"):
        model("azure:m").check()


def test_a_token_function_is_asked_before_each_call(server: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = iter(["one", "two"])
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url)
    register(azure(token=lambda: next(tokens)))
    try:
        asking = model("azure:m")
        asking.check()
        assert [asking.invoke("hi").text, asking.invoke("hi").text] == ["Moin.", "Moin."]
    finally:
        unregister("azure")
    assert [headers["authorization"] for _, headers, _ in server.asked] == ["Bearer one", "Bearer two"]
    assert {path for path, _, _ in server.asked} == {"/openai/v1/chat/completions"}


async def _signed(token: Any) -> Any:
    from chainkit.run.carriers.wire import HttpRequest
    from chainkit.run.io import Blocking

    class Call:
        io = Blocking()

    call: Any = Call()
    return await TokenSigner(token).sign(Account("azure"), HttpRequest("POST", "/", {"a": "b"}), call)


def test_a_token_is_added_to_the_headers_and_none_at_all_is_an_error() -> None:
    def run(work: Any) -> Any:
        try:
            work.send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("it waited")

    assert run(_signed(lambda: "t")).headers == {"a": "b", "authorization": "Bearer t"}
    with pytest.raises(AuthenticationError, match="no token"):
        run(_signed(lambda: ""))


def test_the_vendors_own_client_puts_deployment_and_version_in_itself(server: Azure) -> None:
    openai = pytest.importorskip("openai")
    client = openai.AzureOpenAI(azure_endpoint=server.url, api_key="k", api_version="2024-10-21")
    with client:
        assert model("azure:my-model", client=client).invoke("hi").text == "Moin."
    ((path, headers, asked),) = server.asked
    assert path == f"/openai/deployments/my-model/chat/completions{DATED}"
    assert (headers["api-key"], asked["model"]) == ("k", "my-model")


def test_a_plain_http_client_may_be_handed_over_as_well(server: Azure) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert model("azure:m", client=client, api_key="k").invoke("hi").text == "Moin."
    assert [path for path, _, _ in server.asked] == ["/openai/v1/chat/completions"]


def test_a_carrier_of_the_vendors_without_a_client_says_what_to_hand_over() -> None:
    with pytest.raises(CompositionError, match="client of yours"):
        model("azure:m", carrier="sdk", base_url=HERE, api_key="k").check()


def test_profiles_are_those_of_models_deployed_under_their_own_names() -> None:
    assert provider.profile("gpt-4o").context == 128_000
    assert provider.profile("gpt-4o").provider == "azure"
    assert "seed" in (provider.profile("gpt-5.6-sol").options or ())
    assert "seed" not in (provider.profile("m", Account("azure", "responses")).options or ())
    assert isinstance(provider, HttpProvider)


def test_its_refusals_have_their_classes_and_cures() -> None:
    wire: Any = provider.wires["chat"]
    gone = {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}
    error = wire.error(404, {}, json.dumps(gone).encode())
    assert type(error) is BadRequest
    assert "name after 'azure:'" in str(error.cure)
    filtered = {"error": {"code": "content_filter", "message": "The response was filtered", "status": 400}}
    assert type(wire.error(400, {}, json.dumps(filtered).encode())) is ContentFiltered


def test_documents_are_read_through_responses_only() -> None:
    asked = [message("user", Media("document", "application/pdf", b"%PDF"))]
    assert model("azure:m", base_url=HERE, api_key="k", api="responses").render(asked)
    with pytest.raises(BadRequest, match="azure takes no document"):
        model("azure:m", base_url=HERE, api_key="k").render(asked)


def test_options_of_openai_are_taken_under_their_names() -> None:
    asked = model("azure:m", base_url=HERE, api_key="k", vendor={"openai_store": True}).render("hi")[0]
    assert asked.body["store"] is True
    with pytest.raises(BadRequest, match="openai_truncation"):
        model("azure:m", base_url=HERE, api_key="k", vendor={"openai_truncation": "auto"}).render("hi")
