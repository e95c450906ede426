//! From the settings of OpenTelemetry's own configuration to those of our exporters.

use std::time::Duration;

use crate::gateway::config::duration::GoDuration;
use crate::gateway::config::header::Headers;
use crate::gateway::exporter;
use crate::gateway::exporter::grpc;
use crate::gateway::exporter::http;
use crate::gateway::exporter::queue;
use crate::gateway::exporter::retry;
use crate::gateway::telemetry::otlp::Exporter;
use crate::gateway::telemetry::otlp::Otlp;
use crate::gateway::telemetry::otlp::Packing;
use crate::gateway::telemetry::otlp::Protocol;
use crate::gateway::tls;
use crate::scrub::Signal;
use crate::scrub::yaml::YamlError;

/// An exporter for `otlp`, whose settings stand at `path`.
///
/// # Errors
///
/// The first setting at fault.
pub(in crate::gateway::own) fn exporter(
    path: &str,
    exporter: &Exporter,
    signal: Signal,
    timeout: Duration,
) -> Result<exporter::Config, YamlError> {
    let Some(otlp) = &exporter.otlp else {
        let expected = "expected `otlp`: our own telemetry is sent over OTLP";
        return Err(YamlError::new(path, expected));
    };
    let fault =
        |key: &str, expected: &str| Err(YamlError::new(format!("{path}.otlp.{key}"), expected));
    let headers = match Headers::of(otlp.headers.iter()) {
        Ok(headers) => headers,
        Err(expected) => return fault("headers", expected),
    };
    let timeout = GoDuration(otlp.timeout.map_or(timeout, Duration::from));
    let Some(endpoint) = &otlp.endpoint else {
        return fault("endpoint", "expected where to send to, such as https://backend:4318");
    };
    let tls = tls(otlp, endpoint);
    Ok(match otlp.protocol {
        Protocol::Grpc => {
            let endpoint = match grpc::Target::try_from(endpoint.trim_end_matches('/').to_owned()) {
                Ok(endpoint) => endpoint,
                Err(expected) => return fault("endpoint", expected),
            };
            exporter::Config::OtlpGrpc(grpc::Config {
                endpoint,
                tls,
                headers,
                timeout,
                compression: match otlp.compression {
                    Packing::None => grpc::Compression::None,
                    Packing::Gzip => grpc::Compression::Gzip,
                },
                retry_on_failure: retry::Config::off(),
                sending_queue: queue::Config::off(),
                ..grpc::Config::default()
            })
        }
        Protocol::Http => {
            let url = match http::Url::try_from(with_path(endpoint, signal)) {
                Ok(url) => Some(url),
                Err(expected) => return fault("endpoint", expected),
            };
            let (metrics, traces) =
                if signal == Signal::Metrics { (url, None) } else { (None, url) };
            exporter::Config::OtlpHttp(http::Config {
                metrics_endpoint: metrics,
                traces_endpoint: traces,
                tls,
                headers,
                timeout,
                compression: match otlp.compression {
                    Packing::None => http::Compression::None,
                    Packing::Gzip => http::Compression::Gzip,
                },
                retry_on_failure: retry::Config::off(),
                sending_queue: queue::Config::off(),
                ..http::Config::default()
            })
        }
    })
}

/// What is to be known of an exporter for `otlp` without a connection.
///
/// # Errors
///
/// The first setting at fault, or certificates that cannot be read.
pub(in crate::gateway::own) fn check(
    path: &str,
    exporter: &Exporter,
    signal: Signal,
) -> Result<(), YamlError> {
    let config = self::exporter(path, exporter, signal, Duration::ZERO)?;
    config.read_certificates(path).map_err(|fault| {
        // By the names that the settings have here.
        let name = match fault.path.strip_prefix(path) {
            Some(".tls.ca_file") => "certificate",
            Some(".tls.cert_file") => "client_certificate",
            Some(".tls.key_file") => "client_key",
            _ => return fault.renamed(format!("{path}.otlp")),
        };
        fault.renamed(format!("{path}.otlp.{name}"))
    })
}

fn tls(otlp: &Otlp, endpoint: &str) -> tls::ClientConfig {
    tls::ClientConfig {
        // As everywhere in OpenTelemetry, the scheme says it where nothing else does.
        insecure: otlp.insecure.unwrap_or_else(|| endpoint.starts_with("http://")),
        ca_file: otlp.certificate.clone(),
        cert_file: otlp.client_certificate.clone(),
        key_file: otlp.client_key.clone(),
        ..tls::ClientConfig::default()
    }
}

/// The address with the path of the signal, where it has none of its own.
fn with_path(endpoint: &str, signal: Signal) -> String {
    let behind = endpoint.split_once("://").map_or(endpoint, |(_, behind)| behind);
    match behind.trim_end_matches('/').contains('/') {
        true => endpoint.to_owned(),
        false => format!("{}/v1/{}", endpoint.trim_end_matches('/'), signal.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_gets_that_of_its_signal() {
        for (endpoint, url) in [
            ("http://backend:4318", "http://backend:4318/v1/metrics"),
            ("http://backend:4318/", "http://backend:4318/v1/metrics"),
            ("https://backend/otlp/v1/metrics", "https://backend/otlp/v1/metrics"),
        ] {
            assert_eq!(with_path(endpoint, Signal::Metrics), url);
        }
    }

    #[test]
    fn what_is_missing_is_named_by_its_path() {
        let fault = |exporter: Exporter| {
            super::exporter("x", &exporter, Signal::Metrics, Duration::ZERO)
                .unwrap_err()
                .to_string()
        };
        assert!(fault(Exporter::default()).starts_with("x: expected `otlp`"));
        let otlp = |otlp| Exporter { otlp: Some(otlp) };
        assert!(fault(otlp(Otlp::default())).starts_with("x.otlp.endpoint: expected where"));
        let other = Otlp { endpoint: Some("backend".to_owned()), ..Otlp::default() };
        assert!(fault(otlp(other)).starts_with("x.otlp.endpoint: expected a URL"));
    }
}
