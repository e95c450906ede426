//! New rules for a gateway that runs.
//!
//! Everything is compiled aside. Only if all of it is right does each pipeline get its
//! new steps, at once for every request that begins after; one that is under way ends
//! with the steps it began with. If anything is at fault, nothing is changed.
//!
//! What is watched is what the configuration was read from: its files, its rule files,
//! what it includes, and the day (for allow entries that expire). The state of the files
//! is looked at rather than waited for, since a mounted volume that another machine
//! changes tells nobody.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use crate::gateway::config::Config;
use crate::gateway::config::component::PipelineId;
use crate::gateway::config::environment::Environment;
use crate::gateway::config::environment::Process;
use crate::gateway::exporter::upstream_text::UpstreamText;
use crate::gateway::pipeline::Apart;
use crate::gateway::pipeline::Pipeline;
use crate::gateway::pipeline::Steps;
use crate::gateway::processors;
use crate::gateway::run::no_apart;
use crate::gateway::run::steps;
use crate::gateway::telemetry::metrics::Metrics;
use crate::scrub::rule::date::Date;
use crate::scrub::yaml::YamlError;

/// How often files are looked at. They must be the same at two looks, so that a file
/// that is being written is not read.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The parts of a running gateway that can be replaced. Cheap to clone.
#[derive(Clone)]
pub struct Reloader {
    pipelines: Arc<[(PipelineId, Arc<Pipeline>)]>,
    aparts: Arc<[(PipelineId, Arc<Apart>)]>,
    texts: UpstreamText,
    metrics: Metrics,
}

impl Reloader {
    pub(in crate::gateway) fn new(
        pipelines: Vec<(PipelineId, Arc<Pipeline>)>,
        aparts: Vec<(PipelineId, Arc<Apart>)>,
        texts: UpstreamText,
        metrics: Metrics,
    ) -> Self {
        Self { pipelines: pipelines.into(), aparts: aparts.into(), texts, metrics }
    }

    /// Gives every pipeline the processors that `config` has for it. Computes for a
    /// while: not for a thread that serves.
    ///
    /// # Errors
    ///
    /// The first fault; nothing is changed then.
    pub fn reload(&self, config: &Config) -> Result<(), YamlError> {
        let built = processors::build(config)?;
        let scrubbers = built.scrubbers()?;
        let mut all = Vec::new();
        for (id, pipeline) in self.pipelines.iter() {
            let new = Steps::new(id.signal, steps(id, config, &built)?).map_err(|err| {
                let path = format!("service.pipelines.{id}.processors");
                YamlError::new(path, err.to_string())
            })?;
            pipeline.admits(&new).map_err(|unknown| no_apart(id, &unknown))?;
            all.push((pipeline, new));
        }
        let mut behind = Vec::new();
        for (id, apart) in self.aparts.iter() {
            behind.push((apart, steps(id, config, &built)?));
        }
        for (pipeline, new) in all {
            pipeline.replace(new);
        }
        for (apart, new) in behind {
            apart.replace(new);
        }
        for warning in processors::behind::warnings(config, &built) {
            tracing::warn!("{warning}");
        }
        self.texts.replace(scrubbers);
        built.tell(self.metrics.ledger());
        Ok(())
    }
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader").field("pipelines", &self.pipelines.len()).finish_non_exhaustive()
    }
}

/// The environment of this process, which remembers what it was asked for.
#[derive(Debug, Default)]
pub struct Watched {
    asked: Mutex<BTreeSet<Asked>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    File(String),
    Files(String),
}

/// What the files were like at one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    today: Option<Date>,
    files: Vec<(String, Option<(SystemTime, u64)>)>,
}

impl Watched {
    /// Nothing asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the files are like now that were asked for so far, found or not.
    pub fn state(&self) -> State {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut names = BTreeSet::new();
        for asked in asked {
            match asked {
                Asked::File(path) => _ = names.insert(path),
                Asked::Files(path) => names.extend(Process.files(&path).unwrap_or_default()),
            }
        }
        let look = |name: String| {
            let seen = std::fs::metadata(&name).ok();
            let seen = seen.and_then(|file| Some((file.modified().ok()?, file.len())));
            (name, seen)
        };
        State { today: self.today(), files: names.into_iter().map(look).collect() }
    }

    /// What is known of the files once they were read, `before` that they were like this.
    /// A file that changed meanwhile, or that came and was not read, is not known: the next
    /// look must find it changed.
    pub fn known(&self, before: State) -> State {
        let after = self.state();
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let was_there = |name: &String| before.files.iter().any(|(other, _)| other == name);
        let is_read = |name: &String| asked.contains(&Asked::File(name.clone()));
        let all_read = after.files.iter().all(|(name, _)| was_there(name) || is_read(name));
        let unchanged = before.files.iter().all(|file| after.files.contains(file));
        if all_read && unchanged && before.today == after.today { after } else { before }
    }

    fn remember(&self, asked: Asked) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(asked);
    }
}

impl Environment for Watched {
    fn variable(&self, name: &str) -> Option<String> {
        Process.variable(name)
    }

    fn file(&self, path: &str) -> io::Result<String> {
        self.remember(Asked::File(path.to_owned()));
        Process.file(path)
    }

    fn files(&self, path: &str) -> io::Result<Vec<String>> {
        self.remember(Asked::Files(path.to_owned()));
        Process.files(path)
    }

    fn today(&self) -> Option<Date> {
        Process.today()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    use super::*;
    use crate::gateway::pipeline::Step;
    use crate::gateway::telemetry::metrics::Metrics;
    use crate::scrub::chain::Processor;

    const BODY: &str =
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"payload"}}]}]}]}"#;

    /// What a sender of [`BODY`] over HTTP hears.
    async fn answer(to: std::net::SocketAddr) -> String {
        let mut stream = TcpStream::connect(to).await.unwrap();
        let len = BODY.len();
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {len}\r\n\r\n{BODY}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// No input is known that has the scrubber panic; so one is put into a gateway that
    /// runs, which no configuration can.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_request_that_the_scrubber_panics_on_is_refused_counted_and_not_forwarded() {
        let folder = tempfile::tempdir().unwrap();
        let forwarded = folder.path().join("forwarded");
        let yaml = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}
processors: {{scrubber: {{disable: ['*']}}}}
exporters: {{file: {{path: {}}}}}
service: {{pipelines: {{logs: {{receivers: [otlp], processors: [scrubber], exporters: [file]}}}}}}",
            forwarded.display()
        );
        let path = folder.path().join("gateway.yaml");
        std::fs::write(&path, yaml).unwrap();
        let loaded = Config::load(&[path.display().to_string()], &[], &Process).unwrap();
        let metrics = Metrics::new();
        let running = crate::gateway::start(&loaded.config, &metrics).await.unwrap();
        let to = running.address("otlp", "http").unwrap();
        let reloader = running.reloader();
        let faulty = || {
            let step = Step {
                id: "scrubber".into(),
                processor: Processor::Faulty,
                shadow: None,
                route: None,
            };
            Steps::new(crate::scrub::Signal::Logs, vec![step]).unwrap()
        };
        reloader.pipelines.iter().for_each(|(_, pipeline)| pipeline.replace(faulty()));
        for _ in 0..3 {
            let answer = answer(to).await;
            assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
            assert!(!answer.contains("payload"), "{answer}");
        }
        assert_eq!(std::fs::read(&forwarded).unwrap(), b"");
        let text = metrics.render();
        let failures = "otelcol_processor_scrubber_failures{otel_signal=\"logs\"";
        let line = text.lines().find(|line| line.starts_with(failures)).unwrap_or_default();
        assert!(line.ends_with(" 3"), "{text}");
        // And it goes on, with rules that work.
        reloader.reload(&loaded.config).unwrap();
        assert!(answer(to).await.starts_with("HTTP/1.1 200"));
        assert!(!std::fs::read(&forwarded).unwrap().is_empty());
    }

    #[test]
    fn what_changes_while_it_is_read_is_found_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("a.yml"), "rules: []").unwrap();
        let watched = Watched::new();
        let _ = (watched.files(&path("*.yml")), watched.file(&path("a.yml")));
        let before = watched.state();
        // Named anew, and read.
        std::fs::write(path("named"), "x").unwrap();
        let _ = watched.file(&path("named"));
        let known = watched.known(before);
        assert_eq!(known, watched.state());
        // Came after its folder was listed.
        std::fs::write(path("b.yml"), "rules: []").unwrap();
        let known = watched.known(known);
        assert_ne!(known, watched.state());
        let _ = watched.file(&path("b.yml"));
        let known = watched.known(known);
        assert_eq!(known, watched.state());
        // Changed after it was read.
        std::fs::write(path("a.yml"), "rules: [more]").unwrap();
        assert_ne!(watched.known(known), watched.state());
    }

    #[test]
    fn what_was_asked_for_is_looked_at_even_if_it_was_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let watched = Watched::new();
        assert!(watched.file(&path("a.yaml")).is_err());
        let before = watched.state();
        assert_eq!(watched.state(), before);
        std::fs::write(path("a.yaml"), "rules: []").unwrap();
        let written = watched.state();
        assert_ne!(written, before);
        let _ = watched.files(&path("*.yml"));
        let before = watched.state();
        std::fs::write(path("b.yml"), "rules: []").unwrap();
        assert_ne!(watched.state(), before, "a file that a glob stands for is new");
        std::fs::remove_file(path("b.yml")).unwrap();
        assert_eq!(watched.state(), before);
    }
}
