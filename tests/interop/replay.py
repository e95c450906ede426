"""Sends requests that real instrumentations made, from `tests/data/traffic`.

No credential is in them, so what arrives must be what was sent: byte for byte
where the encoding stays, field for field where it changes. In a second round
credentials are put into copies, and all else must arrive unchanged.
"""

import gzip
import http.client
import json
import random
from dataclasses import dataclass

import grpc

import check
import credentials
from sink import GRPC_METHODS, Request

METHODS = {signal: method for method, signal in GRPC_METHODS.items()}
CONTENT_TYPES = {"proto": "application/x-protobuf", "json": "application/json"}
TIMEOUT_SECONDS = 20
# In one request.
PLANTED_MAX = 12
# A gateway that hangs must not hang all of them.
REFUSED_MAX = 3


@dataclass
class Replay:
    protocol: str  # "grpc", "http/protobuf", "http/json"
    exporter: str
    compression: str = "none"  # both ways
    encoding: str = "proto"
    planted: bool = False
    gateway: str = "otel-redact"


REPLAYS = {
    "replay-grpc": Replay("grpc", "otlp_grpc"),
    "replay-grpc-gzip": Replay("grpc", "otlp_grpc", "gzip"),
    "replay-http": Replay("http/protobuf", "otlp_http"),
    "replay-http-gzip": Replay("http/protobuf", "otlp_http", "gzip"),
    "replay-json": Replay("http/json", "otlp_http", encoding="json"),
    "replay-json-to-protobuf": Replay("http/json", "otlp_http"),
    "replay-planted-grpc": Replay("grpc", "otlp_grpc", planted=True),
    "replay-planted-http": Replay("http/protobuf", "otlp_http", "gzip", planted=True),
    "replay-planted-json": Replay("http/json", "otlp_http", encoding="json", planted=True),
    "replay-planted-unscrubbed": Replay(
        "grpc", "otlp_grpc", planted=True, gateway="collector"
    ),
}


def run(replay, folder, process, sink):
    """Sends each captured request through the gateway; returns the faults."""
    faults = []
    refused = 0
    captured = list(captures(folder, "json" if replay.protocol == "http/json" else "binpb"))
    if not captured:
        return ["no captured request of that encoding"]
    with Sender(replay, process) as sender:
        for name, request in captured:
            sent, secrets = planted(request) if replay.planted else (request, [])
            sink.requests.clear()
            refusal = sender.send(sent)
            if refusal:
                refused += 1
                faults.append(f"{name}: {refusal}")
                if refused == REFUSED_MAX:
                    return faults + ["the rest was not tried"]
            elif len(sink.requests) != 1:
                faults.append(f"{name}: arrived {len(sink.requests)} times")
            else:
                arrived = sink.requests[0]
                faults += [f"{name}: {fault}" for fault in compare(request, sent, secrets, arrived)]
    if replay.gateway == "collector":
        leaks = [fault for fault in faults if "leaked" in fault]
        return [] if leaks else ["the check found no leak in a gateway that does not scrub"]
    return faults


def captures(folder, suffix):
    encoding = "json" if suffix == "json" else "proto"
    for path in sorted(folder.glob(f"*.{suffix}")):
        signal = path.name.split(".")[1]
        yield path.name, Request(signal, encoding, path.read_bytes(), "none")


def compare(original, sent, secrets, arrived):
    if not secrets:
        if arrived.encoding == sent.encoding:
            return [] if arrived.body == sent.body else ["altered on its way"]
        same = check.decode(arrived) == check.decode(sent)
        return [] if same else ["says something else in the other encoding"]

    received = check.Received([arrived])
    faults = [f"leaked: {place}" for place, secret in secrets if received.leaks(secret)]
    before, meant = check.decode(original), check.decode(sent)
    after = received.messages[0][1]
    values = [list(values_of(message)) for message in (before, meant, after)]
    if len(values[0]) != len(values[2]):
        return faults + ["lost or gained values"]
    for old, new, got in zip(*values):
        # Only where something was planted may something have changed.
        if old == new:
            if got != old:
                faults.append(f"altered where nothing was planted: {str(old)[:40]!r}")
        elif is_document(old):
            if not check.is_json_throughout(got):
                faults.append(f"no longer JSON: {old[:40]!r}")
        elif not got.startswith(old):
            faults.append(f"lost with the secret behind it: {old[:40]!r}")
    return faults


def is_document(text):
    return text.startswith(("{", "[")) and check.is_json_throughout(text)


def values_of(message):
    """Every value in a message that is no message, in the order of the fields."""
    for field, value in message.ListFields():
        for item in value if field.is_repeated else [value]:
            if field.type == field.TYPE_MESSAGE:
                yield from values_of(item)
            else:
                yield item


def planted(request):
    """A copy of a request with secrets in some of its texts, and the secrets."""
    # The same places in every run; the secrets differ.
    dice = random.Random(len(request.body))
    tree = check.decode(request) if request.encoding == "proto" else json.loads(request.body)
    slots = list(_slots(tree))
    secrets = []
    for get, put in dice.sample(slots, min(PLANTED_MAX, len(slots))):
        make = dice.choice([credentials.github_pat, credentials.slack_bot_token])
        secret = make()
        old = get()
        put(insert(old, secret, dice))
        secrets.append((f"in {old[:24]!r}…", secret))
    body = (
        tree.SerializeToString() if request.encoding == "proto"
        else json.dumps(tree).encode()
    )
    return Request(request.signal, request.encoding, body, "none"), secrets


def insert(text, secret, dice):
    """Puts a secret into a text: into one of its own texts, if it is JSON."""
    if is_document(text):
        value = json.loads(text)
        inner = list(_json_slots(value))
        if inner:
            get, put = dice.choice(inner)
            put(insert(get(), secret, dice))
            return json.dumps(value)
    return f"{text} {secret}" if text else secret


def _slots(tree):
    """Getters and setters of the texts of a request that a user wrote."""
    if isinstance(tree, (dict, list)):
        yield from _json_slots(tree, only="stringValue")
        return
    for field, value in tree.ListFields():
        for item in value if field.is_repeated else [value]:
            if field.type == field.TYPE_MESSAGE:
                yield from _slots(item)
    if isinstance(tree, check.AnyValue) and tree.WhichOneof("value") == "string_value":
        yield (
            lambda: tree.string_value,
            lambda text: setattr(tree, "string_value", text),
        )


def _json_slots(value, only=None):
    pairs = value.items() if isinstance(value, dict) else enumerate(value) \
        if isinstance(value, list) else []
    for key, item in pairs:
        if isinstance(item, str):
            if only in (None, key):
                yield (
                    lambda value=value, key=key: value[key],
                    lambda text, value=value, key=key: value.__setitem__(key, text),
                )
        else:
            yield from _json_slots(item, only)


class Sender:
    """Sends bytes as they are, as a client would."""

    def __init__(self, replay, process):
        self.replay = replay
        if replay.protocol == "grpc":
            gzipped = replay.compression == "gzip"
            self.channel = grpc.insecure_channel(
                f"127.0.0.1:{process.grpc_port}",
                compression=grpc.Compression.Gzip if gzipped else grpc.Compression.NoCompression,
            )
            self.methods = {
                signal: self.channel.unary_unary(method) for signal, method in METHODS.items()
            }
        else:
            self.channel = http.client.HTTPConnection(
                "127.0.0.1", process.http_port, timeout=TIMEOUT_SECONDS
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def send(self, request):
        """Returns why the gateway refused, or nothing."""
        if self.replay.protocol == "grpc":
            try:
                self.methods[request.signal](request.body, timeout=TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                return f"refused: {error.code().name} {error.details()}"
            return None
        headers = {"content-type": CONTENT_TYPES[request.encoding]}
        body = request.body
        if self.replay.compression == "gzip":
            headers["content-encoding"] = "gzip"
            body = gzip.compress(body, 1)
        self.channel.request("POST", f"/v1/{request.signal}", body, headers)
        answer = self.channel.getresponse()
        content = answer.read()
        return None if answer.status == 200 else f"refused: {answer.status} {content[:200]!r}"
