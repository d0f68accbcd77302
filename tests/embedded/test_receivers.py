"""The receivers take what real clients send, keep it within bounds, and fail when told to."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import openai
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Status, StatusCode

from deploy.embedded.openai_server import Failure, Garbage, Hang, ModelRequest, Reply, ScriptedModel
from deploy.embedded.otlp import OtlpReceiver
from deploy.embedded.receivers import Answer, SmtpReceiver, WebhookReceiver


async def test_a_webhook_is_kept_as_it_was_sent(tmp_path: Path) -> None:
    async with WebhookReceiver(file=tmp_path / "hooks.jsonl") as receiver, httpx.AsyncClient() as client:
        answer = await client.post(f"{receiver.url}/bot/abc?sign=1", json={"text": "崩溃"}, headers={"X-Id": "7"})
        (webhook,) = await receiver.received.wait_for(1)
    assert answer.json()["code"] == 0
    assert (webhook.method, webhook.path, webhook.query) == ("POST", "/bot/abc", {"sign": "1"})
    assert webhook.json() == {"text": "崩溃"}
    assert webhook.headers["x-id"] == "7"
    line = json.loads((tmp_path / "hooks.jsonl").read_text())
    assert json.loads(line["body"]) == {"text": "崩溃"}


async def test_a_webhook_can_refuse() -> None:
    answers = iter([Answer(500, {"error": "down"}), Answer(200, {"code": 9499, "msg": "Bad Request"}), Answer()])
    async with WebhookReceiver(lambda _: next(answers)) as receiver, httpx.AsyncClient() as client:
        seen = [await client.post(receiver.url) for _ in range(3)]
    assert [(answer.status_code, answer.json().get("code")) for answer in seen] == [(500, None), (200, 9499), (200, 0)]


async def test_only_the_latest_are_kept() -> None:
    async with WebhookReceiver(limit=2) as receiver, httpx.AsyncClient() as client:
        for number in range(3):
            await client.post(f"{receiver.url}/{number}")
        assert [webhook.path for webhook in receiver.received.all] == ["/1", "/2"]
        assert receiver.received.total == 3
        with pytest.raises(TimeoutError, match="3 of 4 arrived"):
            await receiver.received.wait_for(4, limit_s=0.02)


def mail(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "waymark@example.com"
    message["To"] = "qa@example.com"
    message["Subject"] = subject
    message.set_content("应用崩溃：NullPointerException")
    return message


async def test_mail_arrives_whole(tmp_path: Path) -> None:
    async with SmtpReceiver(file=tmp_path / "mail.jsonl") as receiver:
        await aiosmtplib.send(mail("P1 崩溃"), hostname=receiver.host, port=receiver.port)
        (received,) = await receiver.received.wait_for(1)
    assert (received.sender, received.recipients) == ("waymark@example.com", ("qa@example.com",))
    assert received.message["subject"] == "P1 崩溃"
    assert received.text.strip() == "应用崩溃：NullPointerException"
    assert json.loads((tmp_path / "mail.jsonl").read_text())["subject"] == "P1 崩溃"


async def test_mail_can_be_refused() -> None:
    async with SmtpReceiver(lambda _: "451 try again later") as receiver:
        with pytest.raises(aiosmtplib.SMTPDataError, match="try again later"):
            await aiosmtplib.send(mail("x"), hostname=receiver.host, port=receiver.port)


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
async def test_spans_of_the_real_exporter_are_kept(compression: Compression) -> None:
    async with OtlpReceiver() as receiver:
        exporter = OTLPSpanExporter(endpoint=f"{receiver.url}/v1/traces", compression=compression)
        provider = TracerProvider(resource=Resource({"service.name": "alerter"}))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        with tracer.start_as_current_span("before") as before:
            earlier = before.get_span_context()
        attributes = {"run": "r1", "tries": 2, "ratio": 0.5, "ok": True, "names": ["a", "b"]}
        with tracer.start_as_current_span("parent", attributes=attributes, links=[Link(earlier)]) as parent:
            with tracer.start_as_current_span("child") as child:
                child.set_status(Status(StatusCode.ERROR))
            ids = parent.get_span_context()
        await receiver_flush(provider)
        await receiver.spans.wait_for(3)
        spans = {span.name: span for span in receiver.spans.all}
        traces = receiver.traces()
    trace_id, span_id = f"{ids.trace_id:032x}", f"{ids.span_id:016x}"
    assert spans["child"].parent_id == spans["parent"].span_id == span_id
    assert [span.name for span in traces[trace_id]] == ["parent", "child"]
    assert spans["parent"].parent_id == ""
    assert spans["parent"].attributes == attributes
    assert spans["parent"].links == ((f"{earlier.trace_id:032x}", f"{earlier.span_id:016x}"),)
    assert {span.service for span in spans.values()} == {"alerter"}
    assert (spans["child"].is_error, spans["parent"].is_error) == (True, False)
    assert spans["parent"].start_ns <= spans["child"].start_ns <= spans["child"].end_ns


async def receiver_flush(provider: TracerProvider) -> None:
    """The exporter blocks: elsewhere than in the loop that serves the receiver."""
    import asyncio

    await asyncio.to_thread(provider.shutdown)


async def test_what_is_no_export_is_refused() -> None:
    async with OtlpReceiver() as receiver, httpx.AsyncClient(base_url=receiver.url) as client:
        as_json = await client.post("/v1/traces", json={})
        broken = await client.post(
            "/v1/traces", content=b"\xff\xff", headers={"Content-Type": "application/x-protobuf"}
        )
    assert (as_json.status_code, broken.status_code) == (415, 400)
    assert receiver.spans.total == 0


def client_of(model: ScriptedModel, timeout_s: float = 5.0, api_key: str = "key") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=model.base_url, api_key=api_key, max_retries=0, timeout=timeout_s)


async def ask(client: openai.AsyncOpenAI, text: str = "hello") -> str | None:
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content


async def test_answers_come_in_their_order_and_requests_are_kept() -> None:
    async with ScriptedModel(["first", Reply("第二", prompt_tokens=7)]) as model, client_of(model) as client:
        assert await ask(client, "one") == "first"
        answer = await client.chat.completions.create(
            model="m",
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                        {"type": "text", "text": "two"},
                    ],
                }
            ],
        )
        assert answer.choices[0].message.content == "第二"
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == 7
        assert [request.text for request in model.requests.all] == ["one", "two"]
        assert model.requests.all[0].authorization == "Bearer key"
        with pytest.raises(openai.BadRequestError, match="the script ended before request 3"):
            await ask(client)


async def test_a_function_answers_by_what_is_asked() -> None:
    def echo(request: ModelRequest) -> str:
        return request.text.upper()

    async with ScriptedModel(echo) as model, client_of(model) as client:
        assert await ask(client, "tap the button") == "TAP THE BUTTON"


async def test_an_answer_can_be_streamed() -> None:
    text = 'do(action="Tap", element=[500, 300])  # 点击搜索按钮'
    async with ScriptedModel([text]) as model, client_of(model) as client:
        stream = await client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "x"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    assert chunks[-1].usage is not None
    assert len(chunks) > 3


async def test_failures_are_what_a_client_knows() -> None:
    script = [Failure(500), Failure(429, "slow down", retry_after_s=3), Garbage(), Garbage(b"{}", "application/json")]
    async with ScriptedModel(script) as model, client_of(model) as client:
        with pytest.raises(openai.InternalServerError):
            await ask(client)
        with pytest.raises(openai.RateLimitError) as limited:
            await ask(client)
        assert limited.value.response.headers["retry-after"] == "3"
        with pytest.raises((openai.APIError, AttributeError)):
            await ask(client)
        with pytest.raises((openai.APIError, TypeError)):
            await ask(client)


async def test_a_model_that_hangs_runs_into_the_clients_time_limit() -> None:
    async with ScriptedModel([Hang()]) as model, client_of(model, timeout_s=0.1) as client:
        with pytest.raises(openai.APITimeoutError):
            await ask(client)


async def test_a_wrong_key_is_refused() -> None:
    async with ScriptedModel(["never"], api_key="right") as model, client_of(model, api_key="wrong") as client:
        with pytest.raises(openai.AuthenticationError):
            await ask(client)
