// Sends a description of telemetry with the Go SDK.
//
//	go-client PROTOCOL COMPRESSION ENDPOINT DESCRIPTION MANIFEST
//
// Exits with 1 if the SDK or an exporter reported an error. Writes to MANIFEST
// how many items it made, and which places its SDK cannot fill.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type attributes map[string]any

type description struct {
	Resource attributes
	Scope    struct{ Name, Version string }
	Spans    []struct {
		Name       string
		Attributes attributes
		Events     []struct {
			Name       string
			Attributes attributes
		}
		Exception, Status string
		Links             []struct {
			Attributes attributes
			TraceState string `json:"trace_state"`
		}
	}
	LogRecords []struct {
		Body       any
		Severity   string
		EventName  string `json:"event_name"`
		Attributes attributes
	} `json:"log_records"`
	Metrics []struct {
		Name, Kind, Unit, Description string
		KeepAttributes                []string `json:"keep_attributes"`
		Points                        []struct {
			Value      int64
			Attributes attributes
		}
	}
}

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "expected PROTOCOL COMPRESSION ENDPOINT DESCRIPTION MANIFEST")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(protocol, compression, endpoint, descriptionFile, manifestFile string) error {
	// The SDK swallows the exporters' errors and reports them here.
	var mutex sync.Mutex
	var complaints []error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		mutex.Lock()
		defer mutex.Unlock()
		complaints = append(complaints, err)
	}))

	text, err := os.ReadFile(descriptionFile)
	if err != nil {
		return err
	}
	// Numbers as they are written: 4096 stays an integer.
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var told description
	if err := decoder.Decode(&told); err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	exporters, err := newExporters(ctx, protocol, compression == "gzip", endpoint)
	if err != nil {
		return err
	}
	about := resource.NewSchemaless(keyValues(told.Resource)...)
	views := []sdkmetric.View{}
	for _, each := range told.Metrics {
		if each.KeepAttributes != nil {
			keys := []attribute.Key{}
			for _, key := range each.KeepAttributes {
				keys = append(keys, attribute.Key(key))
			}
			views = append(views, sdkmetric.NewView(
				sdkmetric.Instrument{Name: each.Name},
				sdkmetric.Stream{AttributeFilter: attribute.NewAllowKeysFilter(keys...)},
			))
		}
	}
	tracers := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporters.spans), sdktrace.WithResource(about))
	loggers := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(sdklog.NewBatchProcessor(exporters.logs)), sdklog.WithResource(about))
	meters := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(
			exporters.metrics, sdkmetric.WithInterval(10*time.Minute))),
		sdkmetric.WithResource(about), sdkmetric.WithView(views...))

	inSpan := sendSpans(ctx, tracers, told)
	sendLogRecords(ctx, loggers, told)
	points, err := sendMetrics(inSpan, meters, told)
	if err != nil {
		return err
	}

	// Metrics by shutdown alone: a flush before it would send them twice.
	err = errors.Join(
		tracers.ForceFlush(ctx), loggers.ForceFlush(ctx),
		tracers.Shutdown(ctx), loggers.Shutdown(ctx), meters.Shutdown(ctx))
	manifest, marshalErr := json.Marshal(map[string]any{
		"traces": len(told.Spans), "logs": len(told.LogRecords), "metrics": points,
		// Its exporter leaves the trace state of links out.
		"without": []string{"link trace state"},
	})
	err = errors.Join(err, marshalErr, os.WriteFile(manifestFile, manifest, 0o600))
	mutex.Lock()
	defer mutex.Unlock()
	return errors.Join(err, errors.Join(complaints...))
}

type exporters struct {
	spans   sdktrace.SpanExporter
	logs    sdklog.Exporter
	metrics sdkmetric.Exporter
}

func newExporters(
	ctx context.Context, protocol string, gzip bool, endpoint string,
) (made exporters, err error) {
	var errs [3]error
	if protocol == "grpc" {
		spanOptions := []otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(endpoint)}
		logOptions := []otlploggrpc.Option{otlploggrpc.WithEndpointURL(endpoint)}
		metricOptions := []otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpointURL(endpoint)}
		if gzip {
			spanOptions = append(spanOptions, otlptracegrpc.WithCompressor("gzip"))
			logOptions = append(logOptions, otlploggrpc.WithCompressor("gzip"))
			metricOptions = append(metricOptions, otlpmetricgrpc.WithCompressor("gzip"))
		}
		made.spans, errs[0] = otlptracegrpc.New(ctx, spanOptions...)
		made.logs, errs[1] = otlploggrpc.New(ctx, logOptions...)
		made.metrics, errs[2] = otlpmetricgrpc.New(ctx, metricOptions...)
	} else {
		spanCompression := otlptracehttp.NoCompression
		logCompression := otlploghttp.NoCompression
		metricCompression := otlpmetrichttp.NoCompression
		if gzip {
			spanCompression = otlptracehttp.GzipCompression
			logCompression = otlploghttp.GzipCompression
			metricCompression = otlpmetrichttp.GzipCompression
		}
		made.spans, errs[0] = otlptracehttp.New(ctx,
			otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"),
			otlptracehttp.WithCompression(spanCompression))
		made.logs, errs[1] = otlploghttp.New(ctx,
			otlploghttp.WithEndpointURL(endpoint+"/v1/logs"),
			otlploghttp.WithCompression(logCompression))
		made.metrics, errs[2] = otlpmetrichttp.New(ctx,
			otlpmetrichttp.WithEndpointURL(endpoint+"/v1/metrics"),
			otlpmetrichttp.WithCompression(metricCompression))
	}
	return made, errors.Join(errs[:]...)
}

// sendSpans returns a context that is inside the first span.
func sendSpans(
	ctx context.Context, provider trace.TracerProvider, told description,
) context.Context {
	tracer := provider.Tracer(
		told.Scope.Name, trace.WithInstrumentationVersion(told.Scope.Version))
	inFirst := ctx
	for at, each := range told.Spans {
		links := []trace.Link{}
		for _, link := range each.Links {
			state, err := trace.ParseTraceState(link.TraceState)
			if err != nil {
				otel.Handle(err)
			}
			links = append(links, trace.Link{
				SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
					TraceID:    trace.TraceID{0x0a, 0xf7, 1},
					SpanID:     trace.SpanID{0xb7, 0xad, 1},
					TraceFlags: trace.FlagsSampled,
					TraceState: state,
					Remote:     true,
				}),
				Attributes: keyValues(link.Attributes),
			})
		}
		inSpan, span := tracer.Start(ctx, each.Name,
			trace.WithAttributes(keyValues(each.Attributes)...), trace.WithLinks(links...))
		if at == 0 {
			inFirst = inSpan
		}
		for _, event := range each.Events {
			span.AddEvent(event.Name, trace.WithAttributes(keyValues(event.Attributes)...))
		}
		if each.Exception != "" {
			span.RecordError(errors.New(each.Exception), trace.WithStackTrace(true))
			span.SetStatus(codes.Error, each.Status)
		}
		span.End()
	}
	return inFirst
}

func sendLogRecords(ctx context.Context, provider log.LoggerProvider, told description) {
	logger := provider.Logger(told.Scope.Name, log.WithInstrumentationVersion(told.Scope.Version))
	for _, each := range told.LogRecords {
		var record log.Record
		record.SetTimestamp(time.Now())
		record.SetBody(anyValue(each.Body))
		record.SetSeverity(log.SeverityInfo)
		record.SetSeverityText(each.Severity)
		record.SetEventName(each.EventName)
		record.AddAttributes(keyValues(each.Attributes)...)
		logger.Emit(ctx, record)
	}
}

// sendMetrics returns how many data points it made.
func sendMetrics(
	ctx context.Context, provider metric.MeterProvider, told description,
) (points int, err error) {
	meter := provider.Meter(
		told.Scope.Name, metric.WithInstrumentationVersion(told.Scope.Version))
	for _, each := range told.Metrics {
		record := func(int64, metric.MeasurementOption) {}
		if each.Kind == "counter" {
			counter, makeErr := meter.Int64Counter(each.Name,
				metric.WithUnit(each.Unit), metric.WithDescription(each.Description))
			err = errors.Join(err, makeErr)
			record = func(value int64, set metric.MeasurementOption) {
				counter.Add(ctx, value, set)
			}
		} else {
			histogram, makeErr := meter.Int64Histogram(each.Name,
				metric.WithUnit(each.Unit), metric.WithDescription(each.Description))
			err = errors.Join(err, makeErr)
			record = func(value int64, set metric.MeasurementOption) {
				histogram.Record(ctx, value, set)
			}
		}
		for _, point := range each.Points {
			record(point.Value, metric.WithAttributes(keyValues(point.Attributes)...))
			points++
		}
	}
	return points, err
}

func keyValues(told attributes) []attribute.KeyValue {
	made := []attribute.KeyValue{}
	for key, value := range told {
		made = append(made, attribute.KeyValue{Key: attribute.Key(key), Value: anyValue(value)})
	}
	return made
}

func anyValue(told any) attribute.Value {
	switch told := told.(type) {
	case string:
		return attribute.StringValue(told)
	case bool:
		return attribute.BoolValue(told)
	case json.Number:
		if whole, err := told.Int64(); err == nil {
			return attribute.Int64Value(whole)
		}
		double, err := told.Float64()
		if err != nil {
			otel.Handle(err)
		}
		return attribute.Float64Value(double)
	case []any:
		values := []attribute.Value{}
		for _, item := range told {
			values = append(values, anyValue(item))
		}
		return attribute.SliceValue(values...)
	case map[string]any:
		if text, ok := told["$text_as_bytes"].(string); ok {
			return attribute.ByteSliceValue([]byte(text))
		}
		return attribute.MapValue(keyValues(told)...)
	}
	otel.Handle(fmt.Errorf("no value can hold a %T", told))
	return attribute.Value{}
}
