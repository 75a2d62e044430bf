"""A provider's own batches give what single calls give, once, in order, at the batch's price."""

from __future__ import annotations

import json
import re
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pydantic
import pytest

from chainkit import Budget, ChainkitError, Run, model, prompt
from chainkit.errors import BudgetExceeded, CompositionError, DeadlineExceeded, OutputError, ServerError
from chainkit.models.batches import BatchState, ProviderBatch
from chainkit.models.prices import price
from chainkit.usage import Usage

pytestmark = pytest.mark.slow


class Office:
    """A server that takes batches as the vendors do, and is done with one after a number of looks at it."""

    def __init__(self, looks: int = 1, answer: Any = None) -> None:
        self.looks = looks
        self.answer = answer or (lambda text: f"echo {text}")
        self.files: dict[str, bytes] = {}
        self.jobs: list[dict[str, Any]] = []
        self.word = "completed"
        self.broken = 0
        office = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                office.serve(self, b"")

            def do_POST(self) -> None:
                office.serve(self, self.rfile.read(int(self.headers.get("content-length") or 0)))

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def serve(self, handler: Any, body: bytes) -> None:
        assert "k" * 8 in str(handler.headers)
        status, told = 200, self.route(handler.command, handler.path, body, handler.headers)
        if self.broken and handler.command == "GET":
            self.broken -= 1
            status, told = 503, {"error": {"message": "come back later"}}
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        handler.send_response(status)
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def route(self, method: str, path: str, body: bytes, headers: Any) -> Any:
        if path == "/v1/files":
            return self.put(body, headers["content-type"])
        if path == "/v1/batches":
            return self.start(json.loads(body), self.files[json.loads(body)["input_file_id"]])
        if found := re.fullmatch(r"/v1/files/answers-(\d+)/content", path):
            return self.lines(int(found[1]))
        if path == "/v1/messages/batches":
            return self.start(json.loads(body), b"")
        if found := re.fullmatch(r"/v1/messages/batches/job-(\d+)/results", path):
            return self.messages(int(found[1]))
        return self.look(int(path.rpartition("-")[2]), "messages" in path)

    def put(self, body: bytes, kind: str) -> Any:
        form = BytesParser().parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
        parts = {p.get_param("name", header="content-disposition"): p.get_payload(decode=True) for p in form.walk()}
        assert parts["purpose"] == b"batch"
        name = f"file-{len(self.files)}"
        self.files[name] = parts["file"]
        return {"id": name}

    def start(self, job: dict[str, Any], lines: bytes) -> Any:
        items = [json.loads(line) for line in lines.splitlines()] or job["requests"]
        self.jobs.append({"items": items, "job": job, "left": self.looks})
        return {"id": f"job-{len(self.jobs) - 1}", "status": "validating", "processing_status": "in_progress"}

    def look(self, at: int, messages: bool) -> Any:
        job = self.jobs[at]
        job["left"] -= 1
        done, total = job["left"] < 0, len(job["items"])
        if messages:
            counts = {"processing": 0 if done else total, "succeeded": total if done else 0, "errored": 0}
            return {
                "id": f"job-{at}",
                "processing_status": "ended" if done else "in_progress",
                "request_counts": counts,
            }
        counts = {"total": total, "completed": total if done else 0, "failed": 0}
        told = {"id": f"job-{at}", "status": self.word if done else "in_progress", "request_counts": counts}
        if done and self.word == "completed":
            told["output_file_id"] = f"answers-{at}"
        if done and self.word == "failed":
            told["errors"] = {"data": [{"message": "line 1 is no request"}]}
        return told

    def lines(self, at: int) -> bytes:
        told = [self.line(item) for item in self.jobs[at]["items"]]
        return "\n".join(json.dumps(line) for line in reversed(told) if line).encode() + b"\n"

    def line(self, item: dict[str, Any]) -> Any:
        text = item["body"]["messages"][-1]["content"]
        if text == "lost":
            return None
        if text == "refused":
            error = {"error": {"message": "no such thing", "type": "invalid_request_error"}}
            return {"custom_id": item["custom_id"], "response": {"status_code": 400, "body": error}}
        choice = {"index": 0, "message": {"role": "assistant", "content": self.answer(text)}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
        body = {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
        return {"custom_id": item["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}

    def messages(self, at: int) -> bytes:
        def line(item: dict[str, Any]) -> Any:
            text = item["params"]["messages"][-1]["content"]
            text = text if isinstance(text, str) else text[0]["text"]
            if text == "expired":
                return {"custom_id": item["custom_id"], "result": {"type": "expired"}}
            message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                       "content": [{"type": "text", "text": self.answer(text)}],
                       "usage": {"input_tokens": 1000, "output_tokens": 100}}  # fmt: skip
            return {"custom_id": item["custom_id"], "result": {"type": "succeeded", "message": message}}

        return "\n".join(json.dumps(line(i)) for i in reversed(self.jobs[at]["items"])).encode()


@pytest.fixture
def office() -> Any:
    opened = Office()
    yield opened
    opened.close()


def asked(office: Office, **options: Any) -> Any:
    return model("openai:gpt-4o-mini", base_url=f"{office.url}/v1", api_key="k" * 8, **options)


NOW = ProviderBatch(every=0.0)


def test_answers_come_in_the_order_of_the_items_and_one_batch_is_handed_in(office: Office) -> None:
    chain = prompt("say {{ word }}", word=str) | asked(office).text
    assert chain.batch([{"word": w} for w in "abc"], via=NOW) == ["echo say a", "echo say b", "echo say c"]
    assert [i["url"] for i in office.jobs[0]["items"]] == ["/v1/chat/completions"] * 3
    assert office.jobs[0]["job"]["completion_window"] == "24h"


async def _abatch(chain: Any, items: Any) -> Any:
    return await chain.abatch(items, via=NOW)


def test_on_a_loop_it_is_the_same(office: Office) -> None:
    import asyncio

    async def some() -> Any:
        for word in ("x", "y"):
            yield word

    assert asyncio.run(_abatch(asked(office).text, some())) == ["echo x", "echo y"]


def test_messages_have_batches_of_their_own_form(office: Office) -> None:
    chain = model("anthropic:claude-haiku-4-5", base_url=office.url, api_key="k" * 8, max_tokens=5)
    first, second = chain.batch(["a", "expired"], via=NOW, errors="keep")
    assert first.text == "echo a"
    assert isinstance(second, ServerError)
    assert second.index == 1


def test_each_item_has_a_row_at_half_the_price_and_the_job_rows_cost_nothing(office: Office) -> None:
    with Run(keep=True) as run:
        replies = asked(office).batch(["a", "b"], via=NOW)
    full = price("openai", "gpt-4o-mini", Usage(input=1000, output=100)).low
    assert replies[0].cost.low == pytest.approx(full / 2)
    assert run.cost.exact
    assert run.cost.low == pytest.approx(full)
    assert run.usage.input == 2000
    kinds = [r.kind for r in run.rows]
    assert kinds.count("chat") == 2
    assert kinds.count("batch") == 1
    assert kinds.count("exchange") == 5  # file, job, two looks, answers
    assert {r.outcome for r in run.rows} == {"ok"}


def test_an_item_that_failed_or_was_lost_stands_in_its_place(office: Office) -> None:
    a, refused, lost = asked(office).batch(["a", "refused", "lost"], via=NOW, errors="keep")
    assert a.text == "echo a"
    assert "no such thing" in refused.message
    assert "no answer for this item" in lost.message
    assert [e.index for e in (refused, lost)] == [1, 2]


def test_the_first_failed_item_is_raised_with_its_index(office: Office) -> None:
    with pytest.raises(ChainkitError, match="no such thing") as caught:
        asked(office).batch(["a", "refused"], via=NOW)
    assert caught.value.index == 1


class City(pydantic.BaseModel):
    name: str


def test_values_are_read_out_of_the_answers_and_what_is_none_is_an_error_of_its_item() -> None:
    office = Office(answer=lambda text: json.dumps({"name": text}) if text != "bad" else "not json")
    try:
        good, bad = asked(office, output=City).batch(["Ulm", "bad"], via=NOW, errors="keep")
    finally:
        office.close()
    assert good == City(name="Ulm")
    assert isinstance(bad, OutputError)


def test_what_stands_after_the_model_is_done_for_each_item(office: Office) -> None:
    assert (asked(office).text | str.upper).batch(["a", "b"], via=NOW) == ["ECHO A", "ECHO B"]


def test_after_a_restart_the_file_leads_to_the_batch_that_was_paid_for(office: Office, tmp_path: Any) -> None:
    office.looks = 3
    kept = ProviderBatch(tmp_path / "job.json", every=60.0)
    with pytest.raises(DeadlineExceeded) as caught:
        with Run(deadline=0.3) as run:
            asked(office).text.batch(["a", "b"], via=kept, run=run)
    assert "goes on at the provider" in "".join(caught.value.__notes__)
    again = ProviderBatch(tmp_path / "job.json", every=0.0)
    assert asked(office).text.batch(["a", "b"], via=again) == ["echo a", "echo b"]
    assert len(office.jobs) == 1


def test_an_id_leads_there_too(office: Office) -> None:
    asked(office).batch(["a"], via=NOW)
    assert asked(office).text.batch(["a"], via=ProviderBatch(ids=("job-0",))) == ["echo a"]
    assert len(office.jobs) == 1


def test_a_file_of_other_requests_is_refused(office: Office, tmp_path: Any) -> None:
    kept = ProviderBatch(tmp_path / "job.json", every=0.0)
    asked(office).batch(["a"], via=kept)
    with pytest.raises(CompositionError, match="other requests"):
        asked(office).batch(["b"], via=kept)
    (tmp_path / "job.json").write_text("{}")
    with pytest.raises(CompositionError, match="holds no batch"):
        asked(office).batch(["a"], via=kept)


def test_progress_is_told_at_each_look(office: Office) -> None:
    office.looks = 2
    told: list[BatchState] = []
    asked(office).batch(["a"], via=ProviderBatch(every=0.0, progress=told.append))
    assert [(s.word, s.succeeded) for s in told] == [("in_progress", 0), ("in_progress", 0), ("completed", 1)]
    assert str(told[-1]) == "job-0: completed, 1 of 1 answered"


def test_a_look_that_fails_is_taken_again(office: Office) -> None:
    office.broken = 1
    assert asked(office).text.batch(["a"], via=NOW) == ["echo a"]


def test_a_batch_that_failed_as_a_whole_says_why(office: Office) -> None:
    office.word = "failed"
    with pytest.raises(ServerError, match="line 1 is no request"):
        asked(office).batch(["a"], via=NOW)


def test_what_does_not_fit_into_the_budget_is_never_handed_in(office: Office) -> None:
    chain = asked(office, max_tokens=1000)
    with pytest.raises(BudgetExceeded):
        chain.batch(["a"] * 100, via=NOW, run=Run(budget=Budget(usd=0.001)))
    assert office.jobs == []
    with Run(budget=Budget(usd=1.0)) as run:
        chain.batch(["a"] * 2, via=NOW)
    assert 0 < run.cost.low < 1


def test_more_items_than_a_batch_holds_go_in_several(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from chainkit_providers.openai import batches, provider

    monkeypatch.setattr(batches, "BATCHES", batches.FileBatches(most=2))
    monkeypatch.setitem(provider.__dict__, "batches", batches.FileBatches(most=2))
    assert asked(office).text.batch(["a", "b", "c"], via=NOW) == ["echo a", "echo b", "echo c"]
    assert [len(j["items"]) for j in office.jobs] == [2, 1]


def test_nothing_to_ask_is_nothing_handed_in(office: Office) -> None:
    assert asked(office).batch([], via=NOW) == []
    assert office.jobs == []


def test_a_chain_without_a_model_at_its_end_and_a_provider_without_batches_say_so(office: Office) -> None:
    with pytest.raises(CompositionError, match="ends in a model"):
        prompt("x").batch([{}], via=NOW)
    with pytest.raises(CompositionError, match="neither 'calls'"):
        asked(office).batch(["a"], via="someday")
    with pytest.raises(CompositionError, match="has no batches"):
        model("cohere:command-r", api_key="k" * 8).batch(["a"], via="provider-batch")
