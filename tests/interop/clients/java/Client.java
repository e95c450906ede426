import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.metrics.InstrumentSelector;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.SdkMeterProviderBuilder;
import io.opentelemetry.sdk.metrics.View;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/**
 * Sends a description of telemetry with the Java SDK.
 *
 * <p>{@code Client PROTOCOL COMPRESSION ENDPOINT DESCRIPTION MANIFEST}
 *
 * <p>Exits with 1 if the SDK or an exporter reported an error. Writes to MANIFEST how many items it
 * made, and which places its SDK cannot fill.
 */
public final class Client {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Client() {}

  public static void main(String[] arguments) throws Exception {
    AtomicInteger complaints = countComplaints();
    Exporters exporters = Exporters.of(arguments[0], arguments[1], arguments[2]);
    JsonNode description = JSON.readTree(new File(arguments[3]));
    Resource resource = Resource.create(attributes(description.get("resource")));

    SdkTracerProvider tracers =
        SdkTracerProvider.builder()
            .setResource(resource)
            .addSpanProcessor(BatchSpanProcessor.builder(exporters.spans).build())
            .build();
    SdkLoggerProvider loggers =
        SdkLoggerProvider.builder()
            .setResource(resource)
            .addLogRecordProcessor(BatchLogRecordProcessor.builder(exporters.logRecords).build())
            .build();
    SdkMeterProviderBuilder metersBuilder =
        SdkMeterProvider.builder()
            .setResource(resource)
            .registerMetricReader(
                PeriodicMetricReader.builder(exporters.metrics)
                    .setInterval(Duration.ofMinutes(10))
                    .build());
    for (JsonNode metric : description.get("metrics")) {
      if (metric.has("keep_attributes")) {
        Set<String> keys = new TreeSet<>();
        metric.get("keep_attributes").forEach(key -> keys.add(key.asText()));
        metersBuilder.registerView(
            InstrumentSelector.builder().setName(metric.get("name").asText()).build(),
            View.builder().setAttributeFilter(keys).build());
      }
    }
    SdkMeterProvider meters = metersBuilder.build();

    String scope = description.at("/scope/name").asText();
    String version = description.at("/scope/version").asText();
    Span first =
        sendSpans(
            tracers.tracerBuilder(scope).setInstrumentationVersion(version).build(),
            description.get("spans"));
    sendLogRecords(
        loggers.loggerBuilder(scope).setInstrumentationVersion(version).build(),
        description.get("log_records"));
    int points;
    try (Scope inside = first.makeCurrent()) {
      points =
          sendMetrics(
              meters.meterBuilder(scope).setInstrumentationVersion(version).build(),
              description.get("metrics"));
    }

    // Metrics by shutdown alone: a flush before it would send them twice.
    boolean sent = true;
    for (CompletableResultCode result :
        List.of(
            tracers.forceFlush(),
            loggers.forceFlush(),
            tracers.shutdown(),
            loggers.shutdown(),
            meters.shutdown())) {
      sent &= result.join(20, TimeUnit.SECONDS).isSuccess();
    }

    ObjectNode manifest = JSON.createObjectNode();
    manifest.put("traces", description.get("spans").size());
    manifest.put("logs", description.get("log_records").size());
    manifest.put("metrics", points);
    manifest.putArray("without");
    JSON.writeValue(new File(arguments[4]), manifest);
    System.exit(sent && complaints.get() == 0 ? 0 : 1);
  }

  /** The SDK swallows the exporters' errors and logs them: this counts them. */
  private static AtomicInteger countComplaints() {
    AtomicInteger complaints = new AtomicInteger();
    java.util.logging.Logger.getLogger("")
        .addHandler(
            new Handler() {
              @Override
              public void publish(LogRecord record) {
                if (Level.WARNING.intValue() <= record.getLevel().intValue()) {
                  complaints.incrementAndGet();
                }
              }

              @Override
              public void flush() {}

              @Override
              public void close() {}
            });
    return complaints;
  }

  private record Exporters(
      SpanExporter spans, LogRecordExporter logRecords, MetricExporter metrics) {
    static Exporters of(String protocol, String compression, String endpoint) {
      if (protocol.equals("grpc")) {
        return new Exporters(
            OtlpGrpcSpanExporter.builder()
                .setEndpoint(endpoint)
                .setCompression(compression)
                .build(),
            OtlpGrpcLogRecordExporter.builder()
                .setEndpoint(endpoint)
                .setCompression(compression)
                .build(),
            OtlpGrpcMetricExporter.builder()
                .setEndpoint(endpoint)
                .setCompression(compression)
                .build());
      }
      return new Exporters(
          OtlpHttpSpanExporter.builder()
              .setEndpoint(endpoint + "/v1/traces")
              .setCompression(compression)
              .build(),
          OtlpHttpLogRecordExporter.builder()
              .setEndpoint(endpoint + "/v1/logs")
              .setCompression(compression)
              .build(),
          OtlpHttpMetricExporter.builder()
              .setEndpoint(endpoint + "/v1/metrics")
              .setCompression(compression)
              .build());
    }
  }

  private static Span sendSpans(Tracer tracer, JsonNode spans) {
    Span first = null;
    for (JsonNode told : spans) {
      SpanBuilder builder = tracer.spanBuilder(told.get("name").asText());
      builder.setAllAttributes(attributes(told.get("attributes")));
      for (JsonNode link : told.path("links")) {
        String[] state = link.get("trace_state").asText().split("=", 2);
        builder.addLink(
            SpanContext.createFromRemoteParent(
                "0af7651916cd43dd8448eb211c80319c",
                "b7ad6b7169203331",
                TraceFlags.getSampled(),
                TraceState.builder().put(state[0], state[1]).build()),
            attributes(link.get("attributes")));
      }
      Span span = builder.startSpan();
      first = first == null ? span : first;
      for (JsonNode event : told.path("events")) {
        span.addEvent(event.get("name").asText(), attributes(event.get("attributes")));
      }
      if (told.has("exception")) {
        span.recordException(new IllegalStateException(told.get("exception").asText()));
        span.setStatus(StatusCode.ERROR, told.get("status").asText());
      }
      span.end();
    }
    return first;
  }

  private static void sendLogRecords(Logger logger, JsonNode logRecords) {
    for (JsonNode told : logRecords) {
      var builder = logger.logRecordBuilder();
      builder.setBody(value(told.get("body")));
      builder.setSeverity(Severity.INFO);
      builder.setSeverityText(told.get("severity").asText());
      if (told.has("event_name")) {
        builder.setEventName(told.get("event_name").asText());
      }
      builder.setAllAttributes(attributes(told.get("attributes")));
      builder.emit();
    }
  }

  private static int sendMetrics(Meter meter, JsonNode metrics) {
    int points = 0;
    for (JsonNode told : metrics) {
      String name = told.get("name").asText();
      String unit = told.get("unit").asText();
      String description = told.get("description").asText();
      if (told.get("kind").asText().equals("counter")) {
        LongCounter counter =
            meter.counterBuilder(name).setUnit(unit).setDescription(description).build();
        for (JsonNode point : told.get("points")) {
          counter.add(point.get("value").asLong(), attributes(point.get("attributes")));
        }
      } else {
        DoubleHistogram histogram =
            meter.histogramBuilder(name).setUnit(unit).setDescription(description).build();
        for (JsonNode point : told.get("points")) {
          histogram.record(point.get("value").asDouble(), attributes(point.get("attributes")));
        }
      }
      points += told.get("points").size();
    }
    return points;
  }

  private static Attributes attributes(JsonNode told) {
    AttributesBuilder made = Attributes.builder();
    for (Map.Entry<String, JsonNode> attribute : told.properties()) {
      String key = attribute.getKey();
      JsonNode value = attribute.getValue();
      if (value.isTextual()) {
        made.put(key, value.asText());
      } else if (value.isBoolean()) {
        made.put(key, value.asBoolean());
      } else if (value.isIntegralNumber()) {
        made.put(key, value.asLong());
      } else if (value.isNumber()) {
        made.put(key, value.asDouble());
      } else if (value.isArray()) {
        List<String> texts = new ArrayList<>();
        value.forEach(item -> texts.add(item.asText()));
        made.put(AttributeKey.stringArrayKey(key), texts);
      } else {
        throw new IllegalArgumentException("no attribute can hold a " + value.getNodeType());
      }
    }
    return made.build();
  }

  private static Value<?> value(JsonNode told) {
    if (told.has("$text_as_bytes")) {
      return Value.of(told.get("$text_as_bytes").asText().getBytes(StandardCharsets.UTF_8));
    }
    if (told.isObject()) {
      Map<String, Value<?>> values = new LinkedHashMap<>();
      told.properties().forEach(member -> values.put(member.getKey(), value(member.getValue())));
      return Value.of(values);
    }
    if (told.isArray()) {
      List<Value<?>> values = new ArrayList<>();
      told.forEach(item -> values.add(value(item)));
      return Value.of(values);
    }
    if (told.isBoolean()) {
      return Value.of(told.asBoolean());
    }
    if (told.isIntegralNumber()) {
      return Value.of(told.asLong());
    }
    return told.isNumber() ? Value.of(told.asDouble()) : Value.of(told.asText());
  }
}
