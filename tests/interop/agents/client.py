"""An agent: `client.py INSTRUMENTATION ENDPOINT CONVERSATION`.

Holds the conversation with the model that it names, under an instrumentation as
people install it, and sends what that makes of it to ENDPOINT over OTLP/HTTP.
"""

import json
import os
import sys
from pathlib import Path

instrumentation, endpoint, path = sys.argv[1:]
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
# Where the messages are: in spans and in log records, or in log records alone.
captured = "EVENT_ONLY" if instrumentation == "openai-v2-events" else "SPAN_AND_EVENT"
if instrumentation.startswith("openai-v2"):
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = captured
    os.environ["OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"] = "true"

import openai  # noqa: E402  (the variables above come first)
from opentelemetry._logs import set_logger_provider  # noqa: E402
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: E402
from opentelemetry.sdk._logs import LoggerProvider  # noqa: E402
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: E402


def instrument(tracers, loggers):
    if instrumentation in ("openai-v2", "openai-v2-events"):
        from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

        OpenAIInstrumentor().instrument(tracer_provider=tracers, logger_provider=loggers)
    elif instrumentation == "openinference":
        from openinference.instrumentation.openai import OpenAIInstrumentor

        OpenAIInstrumentor().instrument(tracer_provider=tracers)
    elif instrumentation == "traceloop":
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor

        OpenAIInstrumentor().instrument(tracer_provider=tracers, logger_provider=loggers)
    else:
        sys.exit(f"unknown instrumentation {instrumentation}")


def converse(talk):
    model = openai.OpenAI(base_url=talk["base_url"], api_key=talk["api_key"])
    messages = list(talk["messages"])
    arguments = {"model": talk["model"], "tools": talk["tools"], "max_tokens": 1024}
    answer = model.chat.completions.create(messages=messages, **arguments)
    messages.append(answer.choices[0].message.model_dump(exclude_none=True))
    call = answer.choices[0].message.tool_calls[0]
    messages.append({"role": "tool", "tool_call_id": call.id, "content": talk["result"]})
    model.chat.completions.create(messages=messages, **arguments)
    stream = model.chat.completions.create(
        messages=messages, stream=True, stream_options={"include_usage": True}, **arguments
    )
    for _ in stream:
        pass


tracers, loggers = TracerProvider(), LoggerProvider()
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
set_logger_provider(loggers)
instrument(tracers, loggers)
converse(json.loads(Path(path).read_text()))
tracers.shutdown()
loggers.shutdown()
