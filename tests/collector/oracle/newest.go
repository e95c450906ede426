//go:build !ottl

package main

import (
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/resourceprocessor"
	"go.opentelemetry.io/collector/processor"
)

// Of the newest release whose modules can be had.
var factories = map[string]processor.Factory{
	"redaction": redactionprocessor.NewFactory(),
	"resource":  resourceprocessor.NewFactory(),
}
