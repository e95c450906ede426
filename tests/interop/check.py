"""Judges what a backend received.

A secret counts as leaked if any twelve characters in a row of it arrived:
plain, or under any pile of base64, percent signs, hex and JSON escapes.
"""

import base64
import binascii
import json
import re
import urllib.parse

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

MESSAGES = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
WINDOW = 12
DECODE_DEPTH_MAX = 4
BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
HEX_RUN = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")
IDS = {"traceId", "spanId", "parentSpanId"}


def decode(request):
    """The request as a message of its generated type.

    Raises where a strict receiver would refuse it: bad UTF-8, bad JSON, an
    unknown member.
    """
    message = MESSAGES[request.signal]()
    if request.encoding == "proto":
        message.ParseFromString(request.body)
    else:
        json_format.ParseDict(_ids_as_base64(json.loads(request.body)), message)
    return message


def _ids_as_base64(value):
    """OTLP/JSON writes ids in hex, where the JSON mapping of protobuf has base64."""
    if isinstance(value, list):
        return [_ids_as_base64(item) for item in value]
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode()
            if key in IDS and isinstance(item, str) else _ids_as_base64(item)
            for key, item in value.items()
        }
    return value


def leaves(message):
    """Every text and every run of bytes in a message, ids left out."""
    for field, value in message.ListFields():
        values = value if field.is_repeated else [value]
        if field.type == field.TYPE_MESSAGE:
            for item in values:
                yield from leaves(item)
        elif field.type == field.TYPE_STRING:
            yield from values
        elif field.type == field.TYPE_BYTES and not field.name.endswith("_id"):
            for item in values:
                yield item.decode("utf-8", "replace")


def key_values(message):
    """Every KeyValue in a message, at any depth."""
    if isinstance(message, KeyValue):
        yield message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for item in value if field.is_repeated else [value]:
                yield from key_values(item)


def plain(value):
    """An AnyValue as a Python value."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: plain(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


def items(signal, message):
    """How many spans, log records or data points a request holds."""
    if signal == "traces":
        return sum(len(s.spans) for r in message.resource_spans for s in r.scope_spans)
    if signal == "logs":
        return sum(len(s.log_records) for r in message.resource_logs for s in r.scope_logs)
    metrics = [m for r in message.resource_metrics for s in r.scope_metrics for m in s.metrics]
    return sum(
        len(getattr(metric, metric.WhichOneof("data")).data_points) for metric in metrics
    )


def readings(text, depth=DECODE_DEPTH_MAX):
    """A text and what it says once its encodings are undone."""
    yield text
    if depth == 0:
        return
    undone = set()
    if "%" in text:
        undone.add(urllib.parse.unquote(text))
    if "\\" in text:
        undone.add(re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
                   .replace("\\n", "\n").replace("\\/", "/").replace('\\"', '"')
                   .replace("\\\\", "\\"))
    for run in BASE64_RUN.findall(text):
        bare = run.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            decoded = base64.b64decode(bare + "=" * (-len(bare) % 4))
        except binascii.Error:
            continue
        undone.add(decoded.decode("utf-8", "ignore"))
    for run in HEX_RUN.findall(text):
        undone.add(bytes.fromhex(run).decode("utf-8", "ignore"))
    undone.discard(text)
    for each in undone:
        if len(each) >= WINDOW:
            yield from readings(each, depth - 1)


class Received:
    """All that one backend received in one scenario."""

    def __init__(self, requests):
        self.requests = requests
        self.messages = [(request.signal, decode(request)) for request in requests]
        texts = {text for _, message in self.messages for text in leaves(message)}
        # The bytes too: what a decoder skips would still have left the gateway.
        raw = {request.body.decode("utf-8", "replace") for request in requests}
        self.texts = texts
        self.haystack = "\0".join(
            {reading for text in texts | raw for reading in readings(text)}
        )

    def leaks(self, secret):
        if len(secret) <= WINDOW:
            return secret in self.haystack
        return any(
            secret[at:at + WINDOW] in self.haystack for at in range(len(secret) - WINDOW + 1)
        )

    def counts(self):
        counts = dict.fromkeys(MESSAGES, 0)
        for signal, message in self.messages:
            counts[signal] += items(signal, message)
        return counts


def faults(received, telemetry, manifest):
    """What is wrong with what arrived; nothing if it is as it should be."""
    leaked = [
        planted["place"] for planted in telemetry.secrets if received.leaks(planted["secret"])
    ]
    # In the order of planting, each place once: a key has many lines.
    found = [f"leaked: {place}" for place in dict.fromkeys(leaked)]
    return found + distortions(received, telemetry, manifest)


def distortions(received, telemetry, manifest):
    """What is wrong apart from leaks: lost, altered, or broken."""
    found = []
    sent = {signal: manifest[signal] for signal in MESSAGES}
    if sent != telemetry.counts():
        found.append(f"the client made {sent}, not {telemetry.counts()}")
    if received.counts() != sent:
        found.append(f"sent {sent}, received {received.counts()}")

    attributes = [
        (pair.key, plain(pair.value))
        for _, message in received.messages for pair in key_values(message)
    ]
    for key, value in telemetry.look_alikes.items():
        if (key, value) not in attributes:
            found.append(f"altered or lost: {key}={value!r}")
    arrived = {key for key, _ in attributes}
    for key in telemetry.attribute_keys():
        if key not in arrived:
            found.append(f"lost attribute: {key}")
    for words in telemetry.kept:
        if not any(words in text for text in received.texts):
            found.append(f"lost with the secret behind it: {words!r}")
    for key in telemetry.json_keys:
        for value in [value for name, value in attributes if name == key]:
            if not is_json_throughout(value):
                found.append(f"no longer JSON: {key}")
    return found


def is_json_throughout(text):
    """Whether a text is JSON, and each text in it that opens an object, too."""
    try:
        value = json.loads(text)
    except ValueError:
        return False
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, str) and value.startswith("{"):
            if not is_json_throughout(value):
                return False
    return True


def unplanted(received, telemetry, manifest):
    """Secrets that did not arrive, at the end of a path that scrubs nothing.

    They were never sent, or are looked for in the wrong way: in both cases
    their absence behind a real gateway would prove nothing.
    """
    return [
        f"not found: {planted['place']}"
        for planted in telemetry.secrets
        if planted["place"] not in manifest["without"]
        and planted["secret"] not in received.haystack
    ]
