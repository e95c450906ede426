"""Sends a description of telemetry with the Python SDK.

client.py PROTOCOL COMPRESSION ENDPOINT DESCRIPTION MANIFEST

Exits with 1 if the SDK or an exporter reported an error. Writes to MANIFEST
how many items it made, and which places its SDK cannot fill.
"""

import json
import logging
import sys

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.trace import set_span_in_context


class Complaints(logging.Handler):
    """The exporters swallow their errors and log them: this keeps them."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(self.format(record))


def exporters(protocol, compression, endpoint):
    if protocol == "grpc":
        import grpc
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        codec = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
        options = {"insecure": True, "compression": codec, "timeout": 10}
        paths = ["", "", ""]
    else:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        codec = Compression.Gzip if compression == "gzip" else Compression.NoCompression
        options = {"compression": codec, "timeout": 10}
        paths = ["/v1/traces", "/v1/logs", "/v1/metrics"]
    kinds = [OTLPSpanExporter, OTLPLogExporter, OTLPMetricExporter]
    return [kind(endpoint=endpoint + path, **options) for kind, path in zip(kinds, paths)]


def send_spans(provider, description):
    scope = description["scope"]
    tracer = provider.get_tracer(scope["name"], scope["version"])
    first = None
    for span_description in description["spans"]:
        links = [
            Link(
                SpanContext(
                    0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True, TraceFlags(1),
                    TraceState([tuple(link["trace_state"].split("=", 1))]),
                ),
                link["attributes"],
            )
            for link in span_description.get("links", [])
        ]
        span = tracer.start_span(
            span_description["name"], attributes=span_description["attributes"], links=links
        )
        first = first or span
        for event in span_description.get("events", []):
            span.add_event(event["name"], event["attributes"])
        if "exception" in span_description:
            span.record_exception(RuntimeError(span_description["exception"]))
            span.set_status(Status(StatusCode.ERROR, span_description["status"]))
        span.end()
    return first


def send_log_records(provider, description):
    scope = description["scope"]
    logger = provider.get_logger(scope["name"], scope["version"])
    for record in description["log_records"]:
        body = record["body"]
        if isinstance(body, dict) and "$text_as_bytes" in body:
            body = body["$text_as_bytes"].encode()
        logger.emit(LogRecord(
            body=body,
            severity_text=record["severity"],
            severity_number=SeverityNumber.INFO,
            event_name=record.get("event_name"),
            attributes=record["attributes"],
        ))


def send_metrics(provider, description, span):
    scope = description["scope"]
    meter = provider.get_meter(scope["name"], scope["version"])
    for metric in description["metrics"]:
        make = meter.create_counter if metric["kind"] == "counter" else meter.create_histogram
        instrument = make(metric["name"], metric["unit"], metric["description"])
        record = instrument.add if metric["kind"] == "counter" else instrument.record
        for point in metric["points"]:
            record(point["value"], point["attributes"], context=set_span_in_context(span))


def main(protocol, compression, endpoint, description_file, manifest_file):
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    with open(description_file, encoding="utf-8") as file:
        description = json.load(file)
    resource = Resource.create(description["resource"])
    spans, log_records, metrics = exporters(protocol, compression, endpoint)

    tracer_provider = TracerProvider(resource=resource)
    tracer_provider.add_span_processor(BatchSpanProcessor(spans))
    logger_provider = LoggerProvider(resource=resource)
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(log_records))
    meter_provider = MeterProvider(
        [PeriodicExportingMetricReader(metrics, export_interval_millis=600_000)],
        resource=resource,
        views=[
            View(instrument_name=metric["name"], attribute_keys=set(metric["keep_attributes"]))
            for metric in description["metrics"] if "keep_attributes" in metric
        ],
    )

    span = send_spans(tracer_provider, description)
    send_log_records(logger_provider, description)
    send_metrics(meter_provider, description, span)

    # Metrics by shutdown alone: a flush before it would send them twice.
    flushed = [tracer_provider.force_flush(), logger_provider.force_flush()]
    for provider in (tracer_provider, logger_provider, meter_provider):
        provider.shutdown()

    with open(manifest_file, "w", encoding="utf-8") as file:
        json.dump({
            "traces": len(description["spans"]),
            "logs": len(description["log_records"]),
            "metrics": sum(len(metric["points"]) for metric in description["metrics"]),
            # Its exporter leaves the trace state of links out.
            "without": ["link trace state"],
        }, file)
    for text in complaints.texts:
        print(text, file=sys.stderr)
    return 0 if all(flushed) and not complaints.texts else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
