//! What becomes of a configuration.
//!
//! First whole components: what is not here goes, and so do its names in pipelines; a
//! pipeline that has lost its receivers gets `otlp`, one that has lost its exporters an
//! address of a Collector behind. Then the scrubber. Then the result is checked again
//! and again as `validate` checks it, and each setting at fault goes, until none is.

use std::collections::BTreeMap;
use std::io;

use crate::cli::migrate::change;
use crate::cli::migrate::change::entries;
use crate::cli::migrate::change::section;
use crate::cli::migrate::change::text;
use crate::cli::migrate::change::texts;
use crate::gateway::config::Config;
use crate::gateway::config::ConfigError;
use crate::gateway::config::elsewhere::Elsewhere;
use crate::gateway::config::environment::Environment;
use crate::gateway::config::inventory;
use crate::gateway::processors;
use crate::scrub::rule::date::Date;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Value;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::shown;
use crate::scrub::yaml::write::Comments;

/// How many settings are taken out at most before it is given up.
const FAULTS_MAX: usize = 200;

/// Where a Collector behind is, until somebody says so.
const BEHIND: &str = "otlp_grpc/collector";

/// What became of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Carries,
    Changes,
    Missing,
}

/// A new configuration, and what was done to get there.
pub(in crate::cli::migrate) struct Plan {
    pub(in crate::cli::migrate) config: Node,
    pub(in crate::cli::migrate) comments: Comments,
    /// By the path of a component, or of a section for what is gone from it.
    notes: BTreeMap<String, Vec<(Fate, String)>>,
}

impl Plan {
    /// Makes a configuration of a Collector's.
    ///
    /// # Errors
    ///
    /// When what is left of it cannot run for a reason that nothing can be left out for.
    pub(in crate::cli::migrate) fn new(
        old: Node,
        environment: &dyn Environment,
    ) -> Result<Self, ConfigError> {
        let mut plan = Self { config: old, comments: Comments::new(), notes: BTreeMap::new() };
        plan.components()?;
        plan.pipelines();
        plan.scrubber();
        plan.settle(environment)?;
        plan.comment();
        Ok(plan)
    }

    fn note(&mut self, path: &str, fate: Fate, what: String) {
        self.notes.entry(path.to_owned()).or_default().push((fate, what));
    }

    /// Takes out the components that are not here, and gives others their newer names.
    fn components(&mut self) -> Result<(), ConfigError> {
        let elsewhere = Elsewhere::new()?;
        for name in inventory::SECTIONS {
            let keys: Vec<String> =
                entries(self.config.get(name)).iter().map(|entry| entry.key.clone()).collect();
            for key in keys {
                let (kind, rest) = match key.split_once('/') {
                    Some((kind, _)) => (kind.trim(), key.get(kind.len()..).unwrap_or_default()),
                    None => (key.trim(), ""),
                };
                if inventory::has(name, kind) {
                    let newer = inventory::name(name, kind);
                    let path = format!("{name}.{newer}{rest}");
                    if newer == kind {
                        self.note(&path, Fate::Carries, String::new());
                    } else {
                        let (before, now) = (shown::name(&key), format!("{newer}{rest}"));
                        let what = format!("`{before}` is called `{}` now", shown::name(&now));
                        self.note(&path, Fate::Changes, what);
                        self.rename(name, &key, &format!("{newer}{rest}"));
                    }
                    continue;
                }
                change::remove(section(&mut self.config, name), &key);
                self.forget(name, &key);
                let known = elsewhere.component(name, kind);
                let key = match known {
                    Some(_) => shown::name(&key),
                    None => shown::unknown(&key, &[]),
                };
                let what = match known {
                    Some(absent) => {
                        format!("`{key}` is not here: it {}; {}", absent.does, absent.instead)
                    }
                    None => format!(
                        "`{key}` is not here, and is no component of the Collector that is known"
                    ),
                };
                self.note(name, Fate::Missing, what);
            }
        }
        Ok(())
    }

    /// Changes a component's name where it is defined and used.
    fn rename(&mut self, section_name: &str, old: &str, new: &str) {
        if let Value::Map(entries) = &mut section(&mut self.config, section_name).value {
            for entry in entries.iter_mut().filter(|entry| entry.key == old) {
                entry.key = new.to_owned();
            }
        }
        self.in_lists(section_name, |names| {
            for name in names.iter_mut().filter(|name| *name == old) {
                *name = new.to_owned();
            }
        });
    }

    /// Takes a component out of wherever it is used.
    fn forget(&mut self, section_name: &str, old: &str) {
        self.in_lists(section_name, |names| names.retain(|name| name != old));
    }

    /// Changes each list of names that may name a component of a section.
    fn in_lists(&mut self, section_name: &str, change: impl Fn(&mut Vec<String>)) {
        let service = section(&mut self.config, "service");
        let change_one = |node: &mut Node, key: &str| {
            if node.get(key).is_some() {
                let mut names = texts(node.get(key));
                change(&mut names);
                let nodes = names.iter().map(|name| text(name)).collect();
                section(node, key).value = Value::List(nodes);
            }
        };
        if section_name == "extensions" {
            return change_one(service, "extensions");
        }
        let lists: &[&str] = match section_name {
            "connectors" => &["receivers", "exporters"],
            "receivers" => &["receivers"],
            "processors" => &["processors"],
            _ => &["exporters"],
        };
        if let Value::Map(pipelines) = &mut section(service, "pipelines").value {
            for pipeline in pipelines {
                lists.iter().for_each(|list| change_one(&mut pipeline.node, list));
            }
        }
    }

    fn pipeline_ids(&self) -> Vec<String> {
        let pipelines = self.config.get("service").and_then(|service| service.get("pipelines"));
        entries(pipelines).iter().map(|entry| entry.key.clone()).collect()
    }

    fn list(&self, pipeline: &str, list: &str) -> Vec<String> {
        let pipelines = self.config.get("service").and_then(|service| service.get("pipelines"));
        texts(pipelines.and_then(|all| all.get(pipeline)).and_then(|one| one.get(list)))
    }

    fn set_list(&mut self, pipeline: &str, list: &str, names: &[String]) {
        let pipelines = section(section(&mut self.config, "service"), "pipelines");
        let nodes = names.iter().map(|name| text(name)).collect();
        section(section(pipelines, pipeline), list).value = Value::List(nodes);
    }

    /// Gives pipelines that have lost all receivers or exporters others.
    fn pipelines(&mut self) {
        for id in self.pipeline_ids() {
            let path = format!("service.pipelines.{id}");
            if self.list(&id, "receivers").is_empty() {
                self.set_list(&id, "receivers", &["otlp".to_owned()]);
                self.note(&path, Fate::Changes, "takes OTLP from what received before".to_owned());
                let receivers = section(&mut self.config, "receivers");
                if receivers.get("otlp").is_none() {
                    let protocols = section(section(receivers, "otlp"), "protocols");
                    section(section(protocols, "grpc"), "endpoint").value =
                        text("0.0.0.0:4317").value;
                }
            }
            if self.list(&id, "exporters").is_empty() {
                self.set_list(&id, "exporters", &[BEHIND.to_owned()]);
                let what = format!("sends to a Collector behind: set the address of `{BEHIND}`");
                self.note(&path, Fate::Changes, what);
                let exporters = section(&mut self.config, "exporters");
                if exporters.get(BEHIND).is_none() {
                    let behind = section(exporters, BEHIND);
                    section(behind, "endpoint").value = text("collector:4317").value;
                    section(section(behind, "tls"), "insecure").value = text("true").value;
                }
            }
        }
    }

    /// Puts a scrubber into each pipeline, behind what changes records, where the old
    /// one forwarded what its processors do not look at.
    fn scrubber(&mut self) {
        const LATER: &[&str] = &["batch", "scrubber"];
        for id in self.pipeline_ids() {
            let mut names = self.list(&id, "processors");
            let kind = |name: &String| name.split('/').next().unwrap_or_default().to_owned();
            if names.iter().any(|name| kind(name) == "scrubber") {
                continue;
            }
            let later = names.iter().position(|name| LATER.contains(&kind(name).as_str()));
            let redacts = names.iter().any(|name| kind(name) == "redaction");
            let at = match later {
                Some(at)
                    if names.iter().skip(at).all(|name| LATER.contains(&kind(name).as_str())) =>
                {
                    at
                }
                _ => names.len(),
            };
            names.insert(at, "scrubber".to_owned());
            self.set_list(&id, "processors", &names);
            let what = match redacts {
                true => {
                    "`scrubber` is added: `redaction` does not look at span links, status messages, names, exemplars"
                }
                false => "`scrubber` is added: nothing removed credentials",
            };
            self.note(&format!("service.pipelines.{id}"), Fate::Changes, what.to_owned());
            let processors = section(&mut self.config, "processors");
            section(processors, "scrubber");
            self.note(
                "processors.scrubber",
                Fate::Changes,
                "is new: it removes credentials from every text".to_owned(),
            );
        }
    }

    /// Takes out settings until there is no fault.
    fn settle(&mut self, environment: &dyn Environment) -> Result<(), ConfigError> {
        let environment = Assumed(environment);
        for _ in 0..FAULTS_MAX {
            let loaded = Config::of(self.config.clone(), &environment);
            let fault = match loaded {
                Ok(loaded) => match processors::build(&loaded.config) {
                    Ok(_) => {
                        for warning in loaded.warnings {
                            self.warned(&warning);
                        }
                        return Ok(());
                    }
                    Err(fault) => fault,
                },
                Err(ConfigError::Fault(fault)) => fault,
                Err(other) => return Err(other),
            };
            let Some(gone) = change::remove_at(&mut self.config, &fault.path) else {
                return Err(fault.into());
            };
            let mut parts = gone.splitn(2, '.');
            let section_name = parts.next().unwrap_or_default().to_owned();
            let rest = parts.next().unwrap_or_default();
            let shown = match fault.path == gone {
                true => fault.shown(),
                false => shown::path(&gone),
            };
            let shown = shown.split_once('.').map_or(shown.as_ref(), |(_, rest)| rest);
            let what = format!("`{shown}` is taken out: {}", fault.what());
            if self.config.get(&section_name).is_some_and(|one| one.get(rest).is_none())
                && !rest.contains(['.', '['])
            {
                self.forget(&section_name, rest);
                self.notes.remove(&gone);
                self.pipelines();
            }
            self.note(&self.owner(&gone), Fate::Missing, what);
        }
        Err(YamlError::new("service", "more faults than can be taken out").into())
    }

    /// A warning belongs to the component that it names.
    fn warned(&mut self, warning: &str) {
        let Some((path, what)) = warning.split_once(": ") else { return };
        let owner = self.owner(path);
        let rest = path.strip_prefix(&owner).unwrap_or_default().trim_start_matches('.');
        let separator = if rest.is_empty() { "" } else { ": " };
        self.note(&owner, Fate::Changes, format!("{rest}{separator}{what}"));
    }

    /// The component that a path leads into, or its section.
    fn owner(&self, path: &str) -> String {
        let Some((section_name, rest)) = path.split_once('.') else { return path.to_owned() };
        let inner = |node: Option<&Node>, rest: &str| {
            let fits = |key: &str| {
                rest.strip_prefix(key)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            let keys = entries(node).iter().map(|entry| entry.key.clone());
            keys.filter(|key| fits(key)).max_by_key(String::len)
        };
        match inner(self.config.get(section_name), rest) {
            Some(key) => format!("{section_name}.{key}"),
            None => section_name.to_owned(),
        }
    }

    /// What is said on the terminal: a line for each component, the missing ones last.
    pub(in crate::cli::migrate) fn report(&self) -> Vec<String> {
        let mut lines: Vec<(Fate, String)> = Vec::new();
        for (path, notes) in &self.notes {
            let path = shown::path(path);
            for (fate, what) in notes {
                let carries = notes.iter().all(|(fate, _)| *fate == Fate::Carries);
                match fate {
                    Fate::Carries if carries => {
                        lines.push((*fate, format!("carries over  {path}")))
                    }
                    Fate::Carries => {}
                    Fate::Changes => lines.push((*fate, format!("changes       {path}: {what}"))),
                    Fate::Missing => lines.push((*fate, format!("missing       {path}: {what}"))),
                }
            }
        }
        lines.sort_by_key(|(fate, _)| *fate);
        let mut lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        lines.dedup();
        lines
    }

    /// Puts the comments of the old text before what they are about, in front of what was done
    /// to it.
    pub(in crate::cli::migrate) fn keep(&mut self, old: Comments) {
        for (path, mut lines) in old {
            let own = self.comments.entry(path.clone()).or_default();
            // Made by it before, and made by it again.
            lines.retain(|line| !own.contains(line));
            match path.as_str() {
                "" => own.append(&mut lines),
                _ => _ = own.splice(0..0, lines),
            }
        }
    }

    /// Writes what was done before what it was done to.
    fn comment(&mut self) {
        let head = "Made by `otel-redact migrate` of a Collector's configuration. Check it with \
                    `otel-redact validate --config FILE`.";
        self.comments.insert(String::new(), vec![head.to_owned()]);
        for (path, notes) in &self.notes {
            let mut lines: Vec<String> = Vec::new();
            for (fate, what) in notes {
                match fate {
                    Fate::Carries => {}
                    Fate::Changes => lines.push(format!("Changed: {what}")),
                    Fate::Missing => lines.push(format!("Missing: {what}")),
                }
            }
            lines.dedup();
            if !lines.is_empty() {
                self.comments.insert(path.clone(), lines);
            }
        }
    }
}

/// The environment of this process, with something for what is not set in it: the new
/// configuration will run elsewhere.
struct Assumed<'e>(&'e dyn Environment);

impl Environment for Assumed<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        let assumed = || match name.to_ascii_uppercase() {
            upper if upper.contains("PORT") => "4317".to_owned(),
            upper if upper.contains("IP") && !upper.contains("DESC") => "127.0.0.1".to_owned(),
            _ => "https://assumed.example.com:4317".to_owned(),
        };
        self.0.variable(name).or_else(|| Some(assumed()))
    }

    fn file(&self, path: &str) -> io::Result<String> {
        self.0.file(path).or_else(|_| Ok("assumed".to_owned()))
    }

    fn files(&self, path: &str) -> io::Result<Vec<String>> {
        self.0.files(path)
    }

    fn today(&self) -> Option<Date> {
        self.0.today()
    }
}
