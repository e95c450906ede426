// The Collector's processors as a filter: a case a line in, its outcome a line out.
//
// Processors are built as the Collector builds them, from a configuration that its
// own confmap decodes, and called without sockets or pipelines around them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/processor"
	metric "go.opentelemetry.io/otel/metric/noop"
	trace "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
)

type request struct {
	// The type of the processor.
	Processor string `json:"processor"`
	// Its settings, as YAML.
	Config string `json:"config"`
	Signal string `json:"signal"`
	// An export request in protobuf.
	Request []byte `json:"request"`
}

type response struct {
	Request []byte `json:"request"`
	Error   string `json:"error"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var one request
		var answer response
		err := json.Unmarshal(lines.Bytes(), &one)
		if err == nil {
			answer.Request, err = run(context.Background(), one)
		}
		if err != nil {
			answer.Error = err.Error()
		}
		if err := out.Encode(answer); err != nil {
			panic(err)
		}
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}

func run(ctx context.Context, one request) ([]byte, error) {
	factory, ok := factories[one.Processor]
	if !ok {
		return nil, fmt.Errorf("no processor %q", one.Processor)
	}
	config, err := decode(factory, one.Config)
	if err != nil {
		return nil, err
	}
	settings := processor.Settings{
		ID: component.NewID(factory.Type()),
		TelemetrySettings: component.TelemetrySettings{
			Logger:         zap.NewNop(),
			TracerProvider: trace.NewTracerProvider(),
			MeterProvider:  metric.NewMeterProvider(),
		},
	}
	switch one.Signal {
	case "traces":
		return traces(ctx, factory, settings, config, one.Request)
	case "logs":
		return logs(ctx, factory, settings, config, one.Request)
	case "metrics":
		return metrics(ctx, factory, settings, config, one.Request)
	}
	return nil, errors.New("unknown signal")
}

func decode(factory processor.Factory, yaml string) (component.Config, error) {
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(yaml))
	if err != nil {
		return nil, err
	}
	conf, err := retrieved.AsConf()
	if err != nil {
		return nil, err
	}
	config := factory.CreateDefaultConfig()
	if err := conf.Unmarshal(&config); err != nil {
		return nil, err
	}
	return config, confmap.Validate(config)
}

func traces(
	ctx context.Context, factory processor.Factory, settings processor.Settings,
	config component.Config, bytes []byte,
) ([]byte, error) {
	in := ptraceotlp.NewExportRequest()
	if err := in.UnmarshalProto(bytes); err != nil {
		return nil, err
	}
	out := ptrace.NewTraces()
	next, err := consumer.NewTraces(func(_ context.Context, data ptrace.Traces) error {
		data.CopyTo(out)
		return nil
	})
	if err != nil {
		return nil, err
	}
	built, err := factory.CreateTraces(ctx, settings, config, next)
	if err != nil {
		return nil, err
	}
	if err := built.Start(ctx, nil); err != nil {
		return nil, err
	}
	if err := built.ConsumeTraces(ctx, in.Traces()); err != nil {
		return nil, err
	}
	return ptraceotlp.NewExportRequestFromTraces(out).MarshalProto()
}

func logs(
	ctx context.Context, factory processor.Factory, settings processor.Settings,
	config component.Config, bytes []byte,
) ([]byte, error) {
	in := plogotlp.NewExportRequest()
	if err := in.UnmarshalProto(bytes); err != nil {
		return nil, err
	}
	out := plog.NewLogs()
	next, err := consumer.NewLogs(func(_ context.Context, data plog.Logs) error {
		data.CopyTo(out)
		return nil
	})
	if err != nil {
		return nil, err
	}
	built, err := factory.CreateLogs(ctx, settings, config, next)
	if err != nil {
		return nil, err
	}
	if err := built.Start(ctx, nil); err != nil {
		return nil, err
	}
	if err := built.ConsumeLogs(ctx, in.Logs()); err != nil {
		return nil, err
	}
	return plogotlp.NewExportRequestFromLogs(out).MarshalProto()
}

func metrics(
	ctx context.Context, factory processor.Factory, settings processor.Settings,
	config component.Config, bytes []byte,
) ([]byte, error) {
	in := pmetricotlp.NewExportRequest()
	if err := in.UnmarshalProto(bytes); err != nil {
		return nil, err
	}
	out := pmetric.NewMetrics()
	next, err := consumer.NewMetrics(func(_ context.Context, data pmetric.Metrics) error {
		data.CopyTo(out)
		return nil
	})
	if err != nil {
		return nil, err
	}
	built, err := factory.CreateMetrics(ctx, settings, config, next)
	if err != nil {
		return nil, err
	}
	if err := built.Start(ctx, nil); err != nil {
		return nil, err
	}
	if err := built.ConsumeMetrics(ctx, in.Metrics()); err != nil {
		return nil, err
	}
	return pmetricotlp.NewExportRequestFromMetrics(out).MarshalProto()
}
