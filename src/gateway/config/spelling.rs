//! Settings that the Collector reads in two spellings, an older and a newer one, brought
//! to the one that is read here.
//!
//! This works on the tree, before it is read. What it does not understand it leaves as it
//! is: whoever reads the tree then says what is wrong with it.

use crate::scrub::yaml::Entry;
use crate::scrub::yaml::Form;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Place;
use crate::scrub::yaml::Scalar;
use crate::scrub::yaml::Value;

/// Brings the settings of a component to one spelling.
pub(in crate::gateway::config) fn component(section: &str, node: &mut Node) {
    match section {
        "exporters" => pairs(at(node, &["headers"])),
        "receivers" => pairs(at(node, &["protocols", "http", "response_headers"])),
        _ => {}
    }
}

/// Brings `service.telemetry` to one spelling, with a warning for what the Collector does
/// not take any more.
pub(in crate::gateway::config) fn telemetry(node: &mut Node, warnings: &mut Vec<String>) {
    if let Some(resource) = at(node, &["resource"]) {
        attributes(resource);
    }
    if let Some(metrics) = at(node, &["metrics"])
        && let Some(place) = address(metrics)
    {
        warnings.push(format!(
            "service.telemetry.metrics.address: this is old, and the Collector does not take it \
             any more{place}; write `readers: [{{pull: {{exporter: {{prometheus: {{host: \
             localhost, port: 8888}}}}}}}}]`"
        ));
    }
}

/// `[{name: a, value: b}]` to `{a: b}` (Collector, `configopaque.MapList`).
fn pairs(node: Option<&mut Node>) {
    let Some(node) = node else { return };
    let Value::List(items) = &node.value else { return };
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let Value::Map(fields) = &item.value else { return };
        let known = |entry: &Entry| matches!(entry.key.as_str(), "name" | "value");
        let (Some(name), Some(value)) = (item.get("name"), item.get("value")) else { return };
        let Value::Scalar(Scalar { text, .. }) = &name.value else { return };
        if !fields.iter().all(known) || entries.iter().any(|entry| entry.key == *text) {
            return;
        }
        let (key, key_place) = (text.clone(), name.place.clone());
        entries.push(Entry { key, key_place, node: value.clone() });
    }
    node.value = Value::Map(entries);
}

/// `resource: {attributes: [{name: a, value: b}]}` to `resource: {a: b}`.
fn attributes(resource: &mut Node) {
    let Value::Map(entries) = &mut resource.value else { return };
    let Some(at) = entries.iter().position(|entry| entry.key == "attributes") else { return };
    let Some(entry) = entries.get_mut(at) else { return };
    // What an attribute is of says how it is written; labels are texts.
    if let Value::List(items) = &mut entry.node.value {
        for item in items {
            forget(item, "type");
        }
    }
    pairs(Some(&mut entry.node));
    let Value::Map(attributes) = &mut entry.node.value else { return };
    for attribute in attributes.iter_mut() {
        if let Value::Scalar(scalar) = &mut attribute.node.value {
            scalar.form = Form::Quoted;
        }
    }
    let attributes = std::mem::take(attributes);
    entries.remove(at);
    entries.retain(|entry| entry.key != "schema_url");
    entries.extend(attributes);
}

/// `address: host:port` to a reader, where there is none. Gives where it stood.
fn address(metrics: &mut Node) -> Option<Place> {
    if metrics.get("readers").is_some() {
        return None;
    }
    let Value::Scalar(Scalar { text, .. }) = &metrics.get("address")?.value else { return None };
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let host = match host.trim_start_matches('[').trim_end_matches(']') {
        "" => "0.0.0.0",
        host => host,
    };
    let place = metrics.get("address")?.place.clone();
    let scalar = |text: &str, form| {
        let scalar = Scalar { text: text.to_owned(), form };
        Node::new(Value::Scalar(scalar), place.clone())
    };
    let map = |entries: Vec<(&str, Node)>| {
        let entries = entries.into_iter().map(|(key, node)| Entry {
            key: key.to_owned(),
            key_place: place.clone(),
            node,
        });
        Node::new(Value::Map(entries.collect()), place.clone())
    };
    let port = scalar(&port.to_string(), Form::Plain);
    let prometheus = map(vec![("host", scalar(host, Form::Quoted)), ("port", port)]);
    let pull = map(vec![("exporter", map(vec![("prometheus", prometheus)]))]);
    let reader = map(vec![("pull", pull)]);
    let readers = Node::new(Value::List(vec![reader]), place.clone());
    forget(metrics, "address");
    let Value::Map(entries) = &mut metrics.value else { return None };
    let (key, key_place) = ("readers".to_owned(), place.clone());
    entries.push(Entry { key, key_place, node: readers });
    Some(place)
}

fn forget(node: &mut Node, key: &str) {
    if let Value::Map(entries) = &mut node.value {
        entries.retain(|entry| entry.key != key);
    }
}

fn at<'n>(node: &'n mut Node, path: &[&str]) -> Option<&'n mut Node> {
    path.iter().try_fold(node, |node, key| {
        let Value::Map(entries) = &mut node.value else { return None };
        entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node)
    })
}
