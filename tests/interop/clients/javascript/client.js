// Sends a description of telemetry with the JavaScript SDK.
//
// client.js PROTOCOL COMPRESSION ENDPOINT DESCRIPTION MANIFEST
//
// Exits with 1 if the SDK or an exporter reported an error. Writes to MANIFEST
// how many items it made, and which places its SDK cannot fill.

import { readFileSync, writeFileSync } from 'node:fs';
import { DiagLogLevel, SpanStatusCode, createTraceState, diag } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import * as logsJson from '@opentelemetry/exporter-logs-otlp-http';
import * as logsProto from '@opentelemetry/exporter-logs-otlp-proto';
import * as metricsJson from '@opentelemetry/exporter-metrics-otlp-http';
import * as metricsProto from '@opentelemetry/exporter-metrics-otlp-proto';
import * as tracesJson from '@opentelemetry/exporter-trace-otlp-http';
import * as tracesProto from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  createAllowListAttributesProcessor,
} from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

const [protocol, compression, endpoint, descriptionFile, manifestFile] = process.argv.slice(2);

// The SDK swallows the exporters' errors and reports them here.
let complaints = 0;
const complain = (...texts) => {
  complaints += 1;
  console.error(...texts);
};
const ignore = () => {};
diag.setLogger(
  { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore },
  DiagLogLevel.WARN,
);

const isJson = protocol === 'http/json';
const { OTLPTraceExporter } = isJson ? tracesJson : tracesProto;
const { OTLPLogExporter } = isJson ? logsJson : logsProto;
const { OTLPMetricExporter } = isJson ? metricsJson : metricsProto;
const exporting = (path) => ({ url: endpoint + path, compression, timeoutMillis: 10_000 });

const { resource: attributes, scope, spans, log_records, metrics } = JSON.parse(
  readFileSync(descriptionFile, 'utf8'),
);
const resource = resourceFromAttributes(attributes);

const tracerProvider = new TracerProvider({
  resource,
  spanProcessors: [
    new BatchSpanProcessor({ exporter: new OTLPTraceExporter(exporting('/v1/traces')) }),
  ],
});
const loggerProvider = new LoggerProvider({
  resource,
  processors: [
    new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(exporting('/v1/logs')) }),
  ],
});
const meterProvider = new MeterProvider({
  resource,
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(exporting('/v1/metrics')),
      exportIntervalMillis: 600_000,
    }),
  ],
  views: metrics
    .filter((metric) => metric.keep_attributes)
    .map((metric) => ({
      instrumentName: metric.name,
      attributesProcessors: [createAllowListAttributesProcessor(metric.keep_attributes)],
    })),
});

const tracer = tracerProvider.getTracer(scope.name, scope.version);
for (const each of spans) {
  const span = tracer.startSpan(each.name, {
    attributes: each.attributes,
    links: (each.links ?? []).map((link) => ({
      context: {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
        traceFlags: 1,
        traceState: createTraceState(link.trace_state),
      },
      attributes: link.attributes,
    })),
  });
  for (const event of each.events ?? []) {
    span.addEvent(event.name, event.attributes);
  }
  if (each.exception) {
    span.recordException(new Error(each.exception));
    span.setStatus({ code: SpanStatusCode.ERROR, message: each.status });
  }
  span.end();
}

const logger = loggerProvider.getLogger(scope.name, scope.version);
for (const record of log_records) {
  const bytes = record.body.$text_as_bytes;
  logger.emit({
    body: bytes ? new TextEncoder().encode(bytes) : record.body,
    severityText: record.severity,
    severityNumber: SeverityNumber.INFO,
    eventName: record.event_name,
    attributes: record.attributes,
  });
}

const meter = meterProvider.getMeter(scope.name, scope.version);
for (const metric of metrics) {
  const { name, unit, description } = metric;
  const isCounter = metric.kind === 'counter';
  const instrument = isCounter
    ? meter.createCounter(name, { unit, description })
    : meter.createHistogram(name, { unit, description });
  for (const point of metric.points) {
    if (isCounter) {
      instrument.add(point.value, point.attributes);
    } else {
      instrument.record(point.value, point.attributes);
    }
  }
}

// Metrics by shutdown alone: a flush before it would send them twice.
try {
  await tracerProvider.forceFlush();
  await loggerProvider.forceFlush();
  for (const provider of [tracerProvider, loggerProvider, meterProvider]) {
    await provider.shutdown();
  }
} catch (error) {
  complain(error);
}

writeFileSync(
  manifestFile,
  JSON.stringify({
    traces: spans.length,
    logs: log_records.length,
    metrics: metrics.reduce((sum, metric) => sum + metric.points.length, 0),
    without: ['exemplar'],
  }),
);
process.exitCode = complaints === 0 ? 0 : 1;
