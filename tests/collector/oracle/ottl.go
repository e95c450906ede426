//go:build ottl

package main

import (
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"go.opentelemetry.io/collector/processor"
)

// What is built on pkg/ottl; ottl.mod has the newest release of it that is whole.
var factories = map[string]processor.Factory{
	"attributes": attributesprocessor.NewFactory(),
	"filter":     filterprocessor.NewFactory(),
	"transform":  transformprocessor.NewFactory(),
}
