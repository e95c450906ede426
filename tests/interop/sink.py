"""A backend that keeps each request as it came."""

import gzip
import threading
from concurrent import futures
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc

SIGNALS = ("traces", "logs", "metrics")
GRPC_METHODS = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
}


@dataclass
class Request:
    signal: str
    encoding: str  # "proto" or "json"
    body: bytes  # decompressed
    compression: str


class Sink:
    """Listens for gRPC and HTTP at two free ports of the loopback.

    Handlers get and give bytes: nothing is decoded here, so nothing is lost
    that a decoder would ignore.
    """

    def __init__(self):
        self.requests = []
        self.lock = threading.Lock()
        self.grpc_server = grpc.server(
            futures.ThreadPoolExecutor(4),
            handlers=[_GrpcMethods(self)],
            options=[("grpc.max_receive_message_length", 64 << 20)],
        )
        self.grpc_port = self.grpc_server.add_insecure_port("127.0.0.1:0")
        self.http_server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self.http_server.daemon_threads = True
        self.http_port = self.http_server.server_address[1]

    def __enter__(self):
        self.grpc_server.start()
        threading.Thread(target=self.http_server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http_server.shutdown()
        self.http_server.server_close()
        self.grpc_server.stop(None).wait()

    def keep(self, request):
        with self.lock:
            self.requests.append(request)


class _GrpcMethods(grpc.GenericRpcHandler):
    def __init__(self, sink):
        self.sink = sink

    def service(self, details):
        signal = GRPC_METHODS.get(details.method)
        if signal is None:
            return None
        metadata = dict(details.invocation_metadata)
        compression = metadata.get("grpc-encoding", "unknown")

        def export(body, _context):
            self.sink.keep(Request(signal, "proto", body, compression))
            return b""

        return grpc.unary_unary_rpc_method_handler(export)


def _handler_for(sink):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self._read()
            content_type = self.headers.get("content-type", "").split(";")[0]
            encoding = {
                "application/x-protobuf": "proto", "application/json": "json",
            }.get(content_type)
            signal = self.path.removeprefix("/v1/")
            if encoding is None or signal not in SIGNALS:
                self._answer(404 if encoding else 415, content_type, b"")
                return
            compression = self.headers.get("content-encoding", "none")
            if compression == "gzip":
                body = gzip.decompress(body)
            sink.keep(Request(signal, encoding, body, compression))
            self._answer(200, content_type, b"{}" if encoding == "json" else b"")

        def _read(self):
            if self.headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _answer(self, status, content_type, body):
            self.send_response(status)
            self.send_header("content-type", content_type or "text/plain")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler
