"""Runs the scenarios: `scenarios.py --gateway BINARY [NAME…]`.

A scenario is one way from a client to a backend through one gateway. It passes
if it finds no fault; a fault is a sentence.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import agents
import check
import gateway
import replay
from gateway import Upstream
from sink import Request, Sink
from telemetry import Telemetry

HERE = Path(__file__).resolve().parent
BUILD = HERE / ".build"
COLLECTOR = BUILD / "bin/collector"
TRAFFIC = HERE.parent / "data/traffic"
CLIENT_SECONDS_MAX = 60
SCENARIO_SECONDS_MAX = 90
FAULTS_SHOWN_MAX = 30

CLIENTS = {
    "python": [str(BUILD / "python/bin/python"), str(HERE / "clients/python/client.py")],
    "javascript": ["node", str(BUILD / "javascript/client.js")],
    # The first compiler alone: the client lives for a second.
    "java": [
        "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
        f"{BUILD}/java/lib/*:{BUILD}/java/classes", "Client",
    ],
    "go": [str(BUILD / "bin/go-client")],
}


@dataclass
class Way:
    """A client, what it speaks, and what the gateway speaks upstream."""

    client: str
    protocol: str = "grpc"  # or "http/protobuf", "http/json"
    compression: str = "none"
    exporter: str = "otlp_grpc"
    upstream_compression: str = "none"
    encoding: str = "proto"
    backend: str = "sink"  # or "collector"
    gateway: str = "otel-redact"  # or "collector", which scrubs nothing


HTTP = Way("", protocol="http/protobuf", exporter="otlp_http")
SDKS = {
    "python-grpc": Way("python"),
    "python-grpc-gzip": Way("python", compression="gzip", upstream_compression="gzip"),
    "python-http": replace(HTTP, client="python"),
    "python-http-gzip": replace(
        HTTP, client="python", compression="gzip", upstream_compression="gzip"
    ),
    "python-http-to-grpc": Way("python", protocol="http/protobuf", upstream_compression="gzip"),
    "javascript-json": replace(
        HTTP, client="javascript", protocol="http/json", encoding="json"
    ),
    "javascript-json-gzip-to-protobuf": replace(
        HTTP, client="javascript", protocol="http/json", compression="gzip"
    ),
    "javascript-json-to-grpc": Way("javascript", protocol="http/json"),
    "javascript-http": replace(HTTP, client="javascript"),
    "java-grpc": Way("java", compression="gzip"),
    "java-http": replace(HTTP, client="java", upstream_compression="gzip"),
    "go-grpc": Way("go", upstream_compression="gzip"),
    "go-grpc-to-http": Way("go", exporter="otlp_http"),
    "go-http": replace(HTTP, client="go", compression="gzip"),
    "python-grpc-collector": Way("python", upstream_compression="gzip", backend="collector"),
    "java-grpc-collector": Way("java", backend="collector"),
    "go-http-collector": replace(HTTP, client="go", backend="collector"),
    "javascript-json-collector": replace(
        HTTP, client="javascript", protocol="http/json", encoding="json",
        upstream_compression="gzip", backend="collector",
    ),
    "python-unscrubbed": Way("python", gateway="collector"),
    "javascript-unscrubbed": replace(
        HTTP, client="javascript", protocol="http/json", encoding="json", gateway="collector"
    ),
    "java-unscrubbed": replace(HTTP, client="java", gateway="collector"),
    "go-unscrubbed": Way("go", gateway="collector", backend="collector"),
}


def run_sdk(way, binary, folder):
    """Sends with an SDK, and returns the faults of what arrived."""
    telemetry = Telemetry()
    description = Path(folder, "description.json")
    description.write_text(json.dumps(telemetry.description))
    manifest = Path(folder, "manifest.json")

    if way.backend == "sink":
        with Sink() as sink:
            logs = send(way, binary, folder, sink, description, manifest)
        requests = sink.requests
    else:
        stored = Path(folder, "stored")
        stored.mkdir()
        with gateway.storing(COLLECTOR, stored) as backend:
            logs = send(way, binary, folder, backend, description, manifest)
        requests = stored_requests(stored)

    manifest = json.loads(manifest.read_text())
    received = check.Received(requests)
    if way.gateway == "collector":
        faults = check.unplanted(received, telemetry, manifest)
        if not check.faults(received, telemetry, manifest):
            faults.append("the check found no fault with a gateway that does not scrub")
        return faults + check.distortions(received, telemetry, manifest)
    faults = check.faults(received, telemetry, manifest)
    logged = [planted["place"] for planted in telemetry.secrets if planted["secret"] in logs]
    faults += [f"in the gateway's own log: {place}" for place in dict.fromkeys(logged)]
    if way.backend == "sink":
        faults += [
            f"{request.signal} went upstream as {request.encoding}, {request.compression}"
            for request in requests
            if request.encoding != way.encoding
            or request.compression not in (way.upstream_compression, "identity", "unknown")
        ]
    return faults


def send(way, binary, folder, backend, description, manifest):
    """Runs the client against a gateway; returns what the gateway logged."""
    port = backend.grpc_port if way.exporter == "otlp_grpc" else backend.http_port
    upstream = Upstream(way.exporter, port, way.upstream_compression, way.encoding)
    with start(way.gateway, binary, folder, upstream) as process:
        port = process.grpc_port if way.protocol == "grpc" else process.http_port
        client = subprocess.run(
            [*CLIENTS[way.client], way.protocol, way.compression, f"http://127.0.0.1:{port}",
             str(description), str(manifest)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=CLIENT_SECONDS_MAX, check=False,
        )
    if client.returncode != 0:
        raise AssertionError(
            f"the client ended with {client.returncode}:\n"
            + client.stdout.decode("utf-8", "replace")[-2000:]
        )
    return process.log.read_text("utf-8", "replace")


def start(name, binary, folder, upstream):
    if name == "collector":
        return gateway.passing(COLLECTOR, folder, upstream)
    return gateway.redacting(binary, folder, upstream)


def stored_requests(folder):
    """What the Collector's file exporter wrote: a length, then a request."""
    requests = []
    for signal_name in check.MESSAGES:
        content = Path(folder, signal_name).read_bytes()
        while content:
            size = int.from_bytes(content[:4], "big")
            requests.append(Request(signal_name, "proto", content[4:4 + size], "none"))
            content = content[4 + size:]
    return requests


def run_replay(each, binary, folder):
    """Sends captured requests, and returns the faults of what arrived."""
    if not TRAFFIC.is_dir():
        return [f"no captured requests at {TRAFFIC.relative_to(HERE.parent.parent)}"]
    with Sink() as sink:
        port = sink.grpc_port if each.exporter == "otlp_grpc" else sink.http_port
        upstream = Upstream(each.exporter, port, each.compression, each.encoding)
        with start(each.gateway, binary, folder, upstream) as process:
            return replay.run(each, TRAFFIC, process, sink)


SCENARIOS = {
    **{name: lambda *args, way=way: run_sdk(way, *args) for name, way in SDKS.items()},
    **{name: lambda *args, each=each: run_replay(each, *args)
       for name, each in replay.REPLAYS.items()},
    **{name: lambda *args, command=command: agents.run(command, *args)
       for name, command in agents.AGENTS.items()},
}


def run(name, binary):
    """Runs one scenario in a folder of its own. Prints how it went."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        signal.alarm(SCENARIO_SECONDS_MAX)
        try:
            faults = SCENARIOS[name](binary, folder)
        except Exception as error:  # whatever broke, the other scenarios run
            faults = [f"{type(error).__name__}: {error}"]
        signal.alarm(0)
        seconds = time.monotonic() - begin
        print(f"{'FAIL' if faults else 'ok':4}  {name}  ({seconds:.1f} s)", flush=True)
        for fault in faults[:FAULTS_SHOWN_MAX]:
            print(f"      {fault}", flush=True)
        if len(faults) > FAULTS_SHOWN_MAX:
            print(f"      and {len(faults) - FAULTS_SHOWN_MAX} more", flush=True)
        if faults:
            for log in sorted(Path(folder).glob("*.log")):
                tail = log.read_text("utf-8", "replace").splitlines()[-8:]
                print(f"      {log.name}:", *tail, sep="\n        | ", flush=True)
    return not faults


def out_of_time(*_):
    raise TimeoutError(f"not done after {SCENARIO_SECONDS_MAX} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--gateway")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.list:
        print(*SCENARIOS, sep="\n")
        return 0
    # The shell's trap ends us with SIGTERM: leave through the `with` blocks.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGALRM, out_of_time)
    results = [run(name, options.gateway) for name in options.names or SCENARIOS]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
