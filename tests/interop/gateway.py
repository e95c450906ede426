"""Starts the processes that stand between client and sink.

All speak the Collector's configuration, so one template serves otel-redact,
the Collector as a gateway that does not scrub, and the Collector as backend.
"""

import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

START_SECONDS_MAX = 15
STOP_SECONDS_MAX = 10

RECEIVER = """\
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:{grpc_port}
      http:
        endpoint: 127.0.0.1:{http_port}
"""

SCRUBBER = """\
processors:
  scrubber: {}
"""

OTLP_GRPC = """\
exporters:
  otlp_grpc:
    endpoint: 127.0.0.1:{port}
    compression: {compression}
    tls:
      insecure: true
"""

OTLP_HTTP = """\
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:{port}
    compression: {compression}
    encoding: {encoding}
"""

FILES = """\
exporters:
  file/traces: {{path: {folder}/traces, format: proto, flush_interval: 100ms}}
  file/logs: {{path: {folder}/logs, format: proto, flush_interval: 100ms}}
  file/metrics: {{path: {folder}/metrics, format: proto, flush_interval: 100ms}}
"""

# Without a queue, the sender is told OK only once the sink has the request.
NO_QUEUE = """\
    sending_queue:
      enabled: false
"""

# Nothing of the gateway's own may need a port that another run has.
NO_TELEMETRY = """\
  telemetry:
    metrics:
      level: none
"""


@dataclass
class Upstream:
    """Where a gateway sends to, and how."""

    exporter: str  # "otlp_grpc" or "otlp_http"
    port: int
    compression: str = "none"
    encoding: str = "proto"

    def yaml(self):
        template = OTLP_GRPC if self.exporter == "otlp_grpc" else OTLP_HTTP
        return template.format(
            port=self.port, compression=self.compression, encoding=self.encoding
        )


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Process:
    """A program that takes a configuration and listens for OTLP."""

    def __init__(self, name, binary, folder, body):
        self.name = name
        self.binary = binary
        self.grpc_port, self.http_port = free_ports(2)
        self.config = Path(folder, f"{name}.yaml")
        self.config.write_text(
            RECEIVER.format(grpc_port=self.grpc_port, http_port=self.http_port) + body
        )
        self.log = Path(folder, f"{name}.log")
        self.process = None

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        try:
            for port in (self.grpc_port, self.http_port):
                self._wait_for(port)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _wait_for(self, port):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(
                    f"{self.name} ended with {self.process.returncode} before it listened"
                )
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"{self.name} did not listen within {START_SECONDS_MAX} s")

    def stop(self):
        """Asks for a clean end, which drains what is under way, then insists."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(
                    f"{self.name} did not stop within {STOP_SECONDS_MAX} s"
                ) from None


def _pipelines(exporters, processors):
    lines = ["service:\n"]
    if processors:
        lines.append(NO_TELEMETRY)
    lines.append("  pipelines:\n")
    for signal, exporter in exporters.items():
        lines.append(f"    {signal}:\n      receivers: [otlp]\n")
        if processors:
            lines.append(f"      processors: [{processors}]\n")
        lines.append(f"      exporters: [{exporter}]\n")
    return "".join(lines)


def redacting(binary, folder, upstream):
    """otel-redact."""
    exporters = dict.fromkeys(("traces", "logs", "metrics"), upstream.exporter)
    body = SCRUBBER + upstream.yaml() + _pipelines(exporters, "scrubber")
    return Process("otel-redact", binary, folder, body)


def passing(collector, folder, upstream):
    """The Collector in otel-redact's place: it forwards, and scrubs nothing."""
    exporters = dict.fromkeys(("traces", "logs", "metrics"), upstream.exporter)
    body = upstream.yaml() + NO_QUEUE + _pipelines(exporters, None)
    return Process("collector-gateway", collector, folder, body)


def storing(collector, folder):
    """The Collector as backend: it writes what arrives into `folder`."""
    exporters = {signal: f"file/{signal}" for signal in ("traces", "logs", "metrics")}
    body = FILES.format(folder=folder) + _pipelines(exporters, None)
    return Process("collector-backend", collector, folder, body)
