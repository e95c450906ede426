//! The methods of OTLP/gRPC (opentelemetry-proto, `collector/*/*_service.proto`).

use crate::scrub::Signal;

/// The method that takes requests of `signal`, as the path of a URL.
pub fn of(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Profiles => {
            "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"
        }
    }
}
