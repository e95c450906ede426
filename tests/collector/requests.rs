//! Requests in which everything stands that the processors tell apart.

mod apart;
mod tricky;

pub(crate) use apart::apart;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::ArrayValue;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::KeyValueList;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
use opentelemetry_proto::tonic::metrics::v1::Exemplar;
use opentelemetry_proto::tonic::metrics::v1::ExponentialHistogram;
use opentelemetry_proto::tonic::metrics::v1::ExponentialHistogramDataPoint;
use opentelemetry_proto::tonic::metrics::v1::Gauge;
use opentelemetry_proto::tonic::metrics::v1::Histogram;
use opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::NumberDataPoint;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::metrics::v1::ScopeMetrics;
use opentelemetry_proto::tonic::metrics::v1::Sum;
use opentelemetry_proto::tonic::metrics::v1::Summary;
use opentelemetry_proto::tonic::metrics::v1::SummaryDataPoint;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_proto::tonic::trace::v1::ScopeSpans;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use otel_redact::scrub::Signal;
use prost::Message;

/// Each request with its name.
pub(crate) fn all() -> Vec<(String, Signal, Vec<u8>)> {
    let mut all = vec![
        ("spans".to_owned(), Signal::Traces, traces().encode_to_vec()),
        ("log records".to_owned(), Signal::Logs, logs().encode_to_vec()),
        ("data points".to_owned(), Signal::Metrics, metrics().encode_to_vec()),
        ("no UTF-8".to_owned(), Signal::Logs, no_utf8()),
        ("a resource in two parts".to_owned(), Signal::Traces, in_two_parts()),
        tricky::texts(),
    ];
    let mut random = Random(7);
    for at in 0..6 {
        let logs = logs_of(vec![random_log(&mut random), random_log(&mut random)]);
        all.push((format!("random log records {at}"), Signal::Logs, logs.encode_to_vec()));
        let spans = spans_of(vec![random_span(&mut random), random_span(&mut random)]);
        all.push((format!("random spans {at}"), Signal::Traces, spans.encode_to_vec()));
    }
    all
}

/// Resources with attributes of every kind.
pub(crate) fn resources() -> Vec<(String, Signal, Vec<u8>)> {
    let full = || Some(Resource { attributes: values(), ..Resource::default() });
    let mut logs = logs_of(vec![log(None, values())]);
    let mut spans = spans_of(vec![span("x", 1, values())]);
    logs.resource_logs.iter_mut().for_each(|one| one.resource = full());
    spans.resource_spans.iter_mut().for_each(|one| one.resource = full());
    let mut bare = spans_of(Vec::new());
    bare.resource_spans.iter_mut().for_each(|one| one.resource = Some(Resource::default()));
    vec![
        ("a full resource of logs".to_owned(), Signal::Logs, logs.encode_to_vec()),
        ("a full resource of spans".to_owned(), Signal::Traces, spans.encode_to_vec()),
        ("a bare resource".to_owned(), Signal::Traces, bare.encode_to_vec()),
        tricky::numbers(),
    ]
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn array(values: Vec<Value>) -> Value {
    Value::ArrayValue(ArrayValue { values: values.into_iter().map(any).collect() })
}

fn map(pairs: Vec<KeyValue>) -> Value {
    Value::KvlistValue(KeyValueList { values: pairs })
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)), ..KeyValue::default() }
}

/// Values of every kind.
fn values() -> Vec<KeyValue> {
    vec![
        pair("id", text("5")),
        pair("name", text("placeholder 4111111111111111")),
        pair("description", text("card 4111111111111111, card 5555555555554444")),
        pair("", text("an empty key")),
        pair("api_key", text("hunter2")),
        pair("token", text("first line\nsecond line 4111111111111111\n")),
        pair("empty_token", text("")),
        pair("mail", text("to ops@mycompany.com and eve@example.com")),
        pair("mail", text("again eve@example.com")),
        pair("authorization", text("BEARER abc.def  Bearer x")),
        pair("safe_attribute", text("4111111111111111")),
        pair("words", text("Grüße, 世界; café [abc] a&b x{,3} \u{2028}")),
        pair("number", Value::IntValue(4_111_111_111_111_111)),
        pair("negative", Value::IntValue(-42)),
        pair("flag", Value::BoolValue(true)),
        pair("double", Value::DoubleValue(4_111_111_111_111_111.0)),
        pair("small", Value::DoubleValue(1.5e-9)),
        pair("large", Value::DoubleValue(-1e21)),
        pair("edge", Value::DoubleValue(1e-6)),
        pair("half", Value::DoubleValue(0.5)),
        pair("zero", Value::DoubleValue(-0.0)),
        pair("nan", Value::DoubleValue(f64::NAN)),
        pair("infinite", Value::DoubleValue(f64::NEG_INFINITY)),
        pair("data", Value::BytesValue(b"4111111111111111 eve@example.com".to_vec())),
        pair("no_data", Value::BytesValue(Vec::new())),
        KeyValue { key: "none".to_owned(), ..KeyValue::default() },
        KeyValue {
            key: "empty".to_owned(),
            value: Some(AnyValue { value: None }),
            ..KeyValue::default()
        },
        pair("list", array(vec![text("4111111111111111"), Value::IntValue(1), text("<&>\"\\")])),
        pair("empty_list", array(Vec::new())),
        pair("nested", nested()),
        pair("with_nan", array(vec![text("4111111111111111"), Value::DoubleValue(f64::NAN)])),
        pair("http.url", text("https://shop.example:8443/users/1234/orders/fdklsd?card=4111")),
        pair("url.full", text("/v1/products/22")),
    ]
}

fn nested() -> Value {
    map(vec![
        pair("token", text("nested token 4111111111111111")),
        pair("id", text("kept")),
        pair("b", map(vec![pair("deep", map(vec![pair("leaf", text("4111111111111111"))]))])),
        pair("a", array(vec![text("eve@example.com"), map(vec![pair("token", text("x"))])])),
        pair("a", text("the key comes twice")),
        pair("nothing", array(vec![])),
        pair("bytes", Value::BytesValue(b"4111111111111111".to_vec())),
        pair("no_bytes", Value::BytesValue(Vec::new())),
        pair("real", Value::DoubleValue(2.5e-7)),
        pair("yes", Value::BoolValue(false)),
        pair("con\u{1}trol\n", text("\t\r\u{8}\u{c}\u{7f}\u{2029}\u{1F600}")),
    ])
}

/// What a processor upstream has written.
fn upstream() -> Vec<KeyValue> {
    vec![
        pair("redaction.redacted.keys", text("x,y")),
        pair("redaction.redacted.count", Value::IntValue(2)),
        pair("redaction.masked.keys", text("zebra,aardvark 4111111111111111")),
        pair("redaction.masked.count", Value::IntValue(2)),
        pair("redaction.allowed.keys", text("old")),
        pair("redaction.allowed.count", Value::IntValue(1)),
        pair("redaction.ignored.count", Value::IntValue(9)),
        pair("redaction.body.masked.keys", text("a.b")),
        pair("redaction.body.masked.count", text("no number")),
        pair("redaction.body.ignored.count", Value::IntValue(3)),
        pair("redaction.other", text("4111111111111111")),
        pair("id", text("4111111111111111")),
        pair("gone", text("4111111111111111")),
    ]
}

fn database(system_key: &str, system: &str, statement: &str) -> Vec<KeyValue> {
    vec![pair(system_key, text(system)), pair("db.statement", text(statement))]
}

fn resource() -> Resource {
    let mut attributes = values();
    attributes.truncate(12);
    attributes.push(pair("service.name", text("shop 4111111111111111")));
    Resource { attributes, dropped_attributes_count: 1, ..Resource::default() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "scope 4111111111111111".to_owned(),
        version: "1 eve@example.com".to_owned(),
        attributes: vec![pair("id", text("4111111111111111")), pair("scoped", text("x"))],
        dropped_attributes_count: 0,
    }
}

fn span(name: &str, kind: i32, attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        trace_state: "a=4111111111111111".to_owned(),
        name: name.to_owned(),
        kind,
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        attributes,
        ..Span::default()
    }
}

fn spans_of(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
            scope_spans: vec![ScopeSpans { scope: Some(scope()), spans, ..Default::default() }],
            schema_url: "https://example.com/4111111111111111".to_owned(),
        }],
    }
}

fn traces() -> ExportTraceServiceRequest {
    let mut full = span("GET /users/1234/x", 2, values());
    full.events = vec![
        Event { name: "4111111111111111".to_owned(), attributes: values(), ..Event::default() },
        Event { attributes: vec![pair("none of these", text("x"))], ..Event::default() },
    ];
    full.links = vec![Link {
        trace_id: vec![3; 16],
        span_id: vec![4; 8],
        attributes: vec![pair("link", text("4111111111111111"))],
        ..Link::default()
    }];
    full.status = Some(Status { message: "4111111111111111".to_owned(), code: 2 });
    let mut spans = vec![
        full,
        span("no attributes", 1, Vec::new()),
        span("from upstream", 3, upstream()),
        span("/123/456", 3, Vec::new()),
        span("GET /users/1234", 1, vec![pair("http.route", text("/users/{id}"))]),
        span("POST /payments/9f3a1c/detail?x=1", 3, vec![pair("http.method", text("POST"))]),
    ];
    let statements = [
        ("db.system", "mysql", "SELECT * FROM users WHERE id = 42 AND name = 'eve'"),
        ("db.system.name", "PostgreSQL", "INSERT INTO t (a, b) VALUES ('x', 12.5)"),
        ("db.system", "redis", "SET user:1 secret EX 10\nAUTH hunter2"),
        ("db.system", "valkey", "HSET h f v g w"),
        ("db.system", "memcached", "set key 0 0 5\r\nvalue\r\n"),
        (
            "db.system",
            "mongodb",
            "{\"find\": \"users\", \"filter\": {\"mail\": \"eve@x.com\", \"n\": [1, true]}}",
        ),
        ("db.system", "mongodb", "not json 42"),
        ("db.system", "elasticsearch", "{\"query\": {\"match\": {\"a\": \"b\"}}}"),
        ("db.system", "opensearch", "{\"query\": null}"),
        ("db.system", "oracle", "SELECT 1"),
        ("other", "redis", "SET k v"),
    ];
    for (key, system, statement) in statements {
        spans.push(span(statement, 3, database(key, system, statement)));
        spans.push(span(statement, 5, database(key, system, statement)));
    }
    spans_of(spans)
}

fn log(body: Option<Value>, attributes: Vec<KeyValue>) -> LogRecord {
    LogRecord {
        severity_text: "4111111111111111".to_owned(),
        event_name: "4111111111111111".to_owned(),
        body: body.map(any),
        attributes,
        ..LogRecord::default()
    }
}

fn logs_of(log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource()),
            scope_logs: vec![ScopeLogs { scope: Some(scope()), log_records, ..Default::default() }],
            ..ResourceLogs::default()
        }],
    }
}

fn logs() -> ExportLogsServiceRequest {
    let mut records = vec![
        log(None, values()),
        log(Some(text("paid with 4111111111111111 by eve@example.com")), upstream()),
        log(Some(text("")), Vec::new()),
        log(Some(map(values())), Vec::new()),
        log(Some(map(upstream())), upstream()),
        log(Some(map(Vec::new())), vec![pair("id", text("x"))]),
        log(Some(array(vec![text("4111111111111111"), nested(), array(vec![nested()])])), vec![]),
        log(Some(text("/users/1234/orders?x=1")), vec![pair("http.url", text("/a/1"))]),
        log(Some(text("SET k v")), database("none", "", "SET k v")),
        log(Some(text("{\"a\": 1}")), database("db.system", "mongodb", "{\"a\": \"b\"}")),
    ];
    let scalars = values().into_iter().filter_map(|pair| pair.value?.value);
    records.extend(scalars.map(|value| log(Some(value), Vec::new())));
    logs_of(records)
}

fn metrics() -> ExportMetricsServiceRequest {
    let exemplar = Exemplar {
        filtered_attributes: vec![pair("exemplar", text("4111111111111111"))],
        ..Exemplar::default()
    };
    let number = NumberDataPoint {
        attributes: values(),
        exemplars: vec![exemplar],
        value: Some(number_data_point::Value::AsInt(4_111_111_111_111_111)),
        ..NumberDataPoint::default()
    };
    let upstream_point = NumberDataPoint { attributes: upstream(), ..NumberDataPoint::default() };
    let histogram = HistogramDataPoint { attributes: values(), ..HistogramDataPoint::default() };
    let exponential = ExponentialHistogramDataPoint {
        attributes: values(),
        ..ExponentialHistogramDataPoint::default()
    };
    let summary = SummaryDataPoint { attributes: values(), ..SummaryDataPoint::default() };
    let data = [
        None,
        Some(Data::Gauge(Gauge { data_points: vec![number.clone(), upstream_point] })),
        Some(Data::Sum(Sum { data_points: vec![number], ..Sum::default() })),
        Some(Data::Histogram(Histogram { data_points: vec![histogram], ..Histogram::default() })),
        Some(Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![exponential],
            ..ExponentialHistogram::default()
        })),
        Some(Data::Summary(Summary { data_points: vec![summary] })),
    ];
    let metric = |data| Metric {
        name: "4111111111111111".to_owned(),
        metadata: vec![pair("metadata", text("4111111111111111"))],
        data,
        ..Metric::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource()),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics: data.into_iter().map(metric).collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

/// Bytes that are no UTF-8 take the place of a mark of the same length.
fn no_utf8() -> Vec<u8> {
    let record = |mark: &str| {
        let words = format!("{mark} 4111111111111111 eve@example.com {mark}{mark}");
        log(
            Some(map(vec![pair(mark, text(&words)), pair("id", text(&words))])),
            vec![
                pair("id", text(&words)),
                pair(&format!("token{mark}"), text(&words)),
                pair("list", array(vec![text(&words)])),
            ],
        )
    };
    let bytes = logs_of(vec![record("@@"), record("@@@")]).encode_to_vec();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (mark, bad): (usize, &[u8]) = match &bytes[at..] {
            rest if rest.starts_with(b"@@@") => (3, b"\xe2\x82."),
            rest if rest.starts_with(b"@@") => (2, b"\xff\xfe"),
            _ => (1, &bytes[at..=at]),
        };
        out.extend_from_slice(bad);
        at += mark;
    }
    out
}

/// Protobuf merges two occurrences of one message.
fn in_two_parts() -> Vec<u8> {
    let part = |attributes| ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        ..ResourceSpans::default()
    };
    let mut inner = part(values()).encode_to_vec();
    inner.extend(
        ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span("x", 1, values())],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }
        .encode_to_vec(),
    );
    inner.extend(part(upstream()).encode_to_vec());
    let mut out = vec![0x0a];
    prost::encoding::encode_varint(inner.len() as u64, &mut out);
    out.extend(inner);
    out
}

/// A fixed sequence: the same requests in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).expect("below the limit")
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 16] = [
            "4111111111111111",
            "eve@example.com",
            "ops@mycompany.com",
            " ",
            "\n",
            "/",
            "a",
            "é",
            "token",
            "**",
            "12",
            ".",
            "?",
            "x{,3}",
            "\"q\"",
            "abc",
        ];
        (0..self.below(6)).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }

    fn key(&mut self) -> &'static str {
        const KEYS: [&str; 12] = [
            "id",
            "name",
            "token",
            "mail",
            "nested",
            "list",
            "safe_attribute",
            "http.url",
            "redaction.masked.keys",
            "redaction.allowed.count",
            "deep",
            "number",
        ];
        KEYS[self.below(KEYS.len())]
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth < 3 { 9 } else { 6 }) {
            0..=2 => Value::StringValue(self.text()),
            3 => Value::IntValue([0, -1, 4_111_111_111_111_111][self.below(3)]),
            4 => Value::DoubleValue([0.0, 4.5, 1e300, 1e-300, 123_456.789][self.below(5)]),
            5 => Value::BytesValue(self.text().into_bytes()),
            6 => array((0..self.below(3)).map(|_| self.value(depth + 1)).collect()),
            _ => map(self.pairs(depth + 1)),
        }
    }

    fn pairs(&mut self, depth: usize) -> Vec<KeyValue> {
        (0..self.below(6)).map(|_| pair(self.key(), self.value(depth))).collect()
    }
}

fn random_log(random: &mut Random) -> LogRecord {
    log(Some(random.value(0)), random.pairs(0))
}

fn random_span(random: &mut Random) -> Span {
    let name = random.text();
    let kind = i32::try_from(random.below(6)).expect("small");
    let mut span = span(&name, kind, random.pairs(0));
    span.events = vec![Event { attributes: random.pairs(0), ..Event::default() }];
    span
}
