//! What slipped through and what was damaged: as tables, as JSON, as JUnit XML.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::cli::closed_pipe;
use crate::cli::selftest::SelftestError;
use crate::cli::selftest::disguise::DISGUISES;
use crate::cli::selftest::judge::Verdict;
use crate::cli::selftest::place::PLACES;
use crate::cli::selftest::place::Place;
use crate::cli::selftest::plan::Case;
use crate::cli::selftest::send::Protocol;

/// How many rules are named that leak.
const RULES_NAMED_MAX: usize = 40;

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::selftest) enum Fate {
    /// It did not arrive.
    Lost,
    /// It arrived.
    Arrived(Verdict),
}

impl Fate {
    fn leaked(&self) -> bool {
        matches!(self, Self::Arrived(Verdict { leaked: true, .. }))
    }

    fn damaged(&self) -> bool {
        matches!(self, Self::Arrived(Verdict { damage: Some(_), .. }))
    }

    /// What failed, in words; nothing if nothing did.
    fn failures(&self) -> Vec<&'static str> {
        match self {
            Self::Lost => vec!["never arrived"],
            Self::Arrived(Verdict { leaked, damage }) => {
                let leaked = leaked.then_some("leaked");
                leaked.into_iter().chain(damage.map(|damage| damage.name())).collect()
            }
        }
    }
}

/// A case and what became of it.
#[derive(Debug)]
pub(in crate::cli::selftest) struct Outcome<'c> {
    /// The case.
    pub(in crate::cli::selftest) case: Case<'c>,
    /// What became of it.
    pub(in crate::cli::selftest) fate: Fate,
    /// What was sent and what arrived, if it is to be shown.
    pub(in crate::cli::selftest) shown: Option<(String, String)>,
}

/// A whole run.
#[derive(Debug)]
pub(in crate::cli::selftest) struct Report<'c> {
    /// Every case.
    pub(in crate::cli::selftest) outcomes: Vec<Outcome<'c>>,
    /// With which the run can be repeated.
    pub(in crate::cli::selftest) seed: u64,
    /// How long it took.
    pub(in crate::cli::selftest) took: Duration,
}

/// Counts of one cell of a table.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    cases: usize,
    leaked: usize,
    damaged: usize,
    lost: usize,
}

impl Count {
    fn add(&mut self, fate: &Fate) {
        self.cases += 1;
        self.leaked += usize::from(fate.leaked());
        self.damaged += usize::from(fate.damaged());
        self.lost += usize::from(*fate == Fate::Lost);
    }

    /// `12`, or what of it failed.
    fn text(self) -> String {
        let mut text = self.cases.to_string();
        for (count, what) in
            [(self.leaked, "leaked"), (self.damaged, "damaged"), (self.lost, "lost")]
        {
            if 0 < count {
                text += &format!(", {count} {what}");
            }
        }
        if self.cases == 0 { "-".to_owned() } else { text }
    }
}

impl Report<'_> {
    pub(in crate::cli::selftest) fn leaked(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.fate.leaked()).count()
    }

    pub(in crate::cli::selftest) fn damaged(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.fate.damaged()).count()
    }

    pub(in crate::cli::selftest) fn lost(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.fate == Fate::Lost).count()
    }

    /// Prints the tables, and what is to be shown.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written.
    pub(in crate::cli::selftest) fn print(&self, show: usize) -> Result<(), SelftestError> {
        let writings = DISGUISES.iter().map(|disguise| disguise.name.to_owned());
        let mut page = self.table("written", writings, |case| case.disguise.name.to_owned());
        page.push('\n');
        page += &self.table("place", PLACES.iter().map(place), |case| place(case.place));
        page += &self.rules();
        let shown = self.outcomes.iter().filter_map(|one| one.shown.as_ref().map(|it| (one, it)));
        for (outcome, (sent, arrived)) in shown.take(show) {
            page += &format!(
                "\n{}: {}\n  sent    {sent:?}\n  arrived {arrived:?}\n",
                name(&outcome.case),
                outcome.fate.failures().join(", ")
            );
        }
        page += &format!(
            "\n{} canaries planted, {} leaked, {} did damage, {} never arrived; \
             {:.1} s, --seed {}\n",
            self.outcomes.len(),
            self.leaked(),
            self.damaged(),
            self.lost(),
            self.took.as_secs_f64(),
            self.seed
        );
        io::stdout()
            .write_all(page.as_bytes())
            .or_else(closed_pipe)
            .map_err(|reason| SelftestError::System { what: "stdout".to_owned(), reason })
    }

    /// One row for each name, one column for each protocol.
    fn table(
        &self,
        title: &str,
        names: impl Iterator<Item = String>,
        row: impl Fn(&Case<'_>) -> String,
    ) -> String {
        let mut cells: BTreeMap<(String, Protocol), Count> = BTreeMap::new();
        for Outcome { case, fate, .. } in &self.outcomes {
            cells.entry((row(case), case.protocol)).or_default().add(fate);
        }
        let head = Protocol::ALL.map(|protocol| protocol.name().to_owned());
        let mut rows = vec![[title.to_owned()].into_iter().chain(head).collect()];
        for name in names {
            let counts = Protocol::ALL
                .map(|protocol| cells.get(&(name.clone(), protocol)).copied().unwrap_or_default());
            if counts.iter().any(|count| 0 < count.cases) {
                rows.push([name].into_iter().chain(counts.map(Count::text)).collect::<Vec<_>>());
            }
        }
        aligned(&rows)
    }

    /// The rules whose canaries leaked, the worst first.
    fn rules(&self) -> String {
        let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
        for outcome in &self.outcomes {
            counts.entry(&outcome.case.canary.rule).or_default().add(&outcome.fate);
        }
        let mut worst: Vec<(&str, Count)> =
            counts.into_iter().filter(|(_, count)| 0 < count.leaked).collect();
        worst.sort_by_key(|(_, count)| std::cmp::Reverse(count.leaked));
        let more = worst.len().saturating_sub(RULES_NAMED_MAX);
        let rows: Vec<Vec<String>> = worst
            .into_iter()
            .take(RULES_NAMED_MAX)
            .map(|(rule, count)| vec![rule.to_owned(), count.text()])
            .collect();
        let mut text = String::new();
        if !rows.is_empty() {
            text = format!("\ncanaries of these rules leaked:\n{}", aligned(&rows));
        }
        if 0 < more {
            text += &format!("and of {more} more\n");
        }
        text
    }

    /// Every case as JSON.
    pub(in crate::cli::selftest) fn json(&self) -> String {
        let case = |outcome: &Outcome<'_>| {
            json!({
                "rule": outcome.case.canary.rule,
                "written": outcome.case.disguise.name,
                "signal": outcome.case.place.signal.name(),
                "place": outcome.case.place.name,
                "protocol": outcome.case.protocol.name(),
                "failures": outcome.fate.failures(),
            })
        };
        let report = json!({
            "seed": self.seed,
            "cases": self.outcomes.len(),
            "leaked": self.leaked(),
            "damaged": self.damaged(),
            "lost": self.lost(),
            "results": self.outcomes.iter().map(case).collect::<Vec<Value>>(),
        });
        format!("{report:#}\n")
    }

    /// Every case as a test case of JUnit: a suite for each rule.
    pub(in crate::cli::selftest) fn junit(&self) -> String {
        let mut suites: BTreeMap<&str, Vec<&Outcome<'_>>> = BTreeMap::new();
        for outcome in &self.outcomes {
            suites.entry(&outcome.case.canary.rule).or_default().push(outcome);
        }
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
        for (rule, outcomes) in suites {
            let failed = outcomes.iter().filter(|one| !one.fate.failures().is_empty()).count();
            xml += &format!(
                "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\">\n",
                escaped(rule),
                outcomes.len()
            );
            for outcome in outcomes {
                let name = escaped(&name(&outcome.case));
                xml += &format!("<testcase classname=\"{}\" name=\"{name}\">", escaped(rule));
                for failure in outcome.fate.failures() {
                    xml += &format!("<failure message=\"{}\"/>", escaped(failure));
                }
                xml += "</testcase>\n";
            }
            xml += "</testsuite>\n";
        }
        xml + "</testsuites>\n"
    }

    /// Writes `text` to `file`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(in crate::cli::selftest) fn write(
        &self,
        file: &Path,
        text: &str,
    ) -> Result<(), SelftestError> {
        std::fs::write(file, text)
            .map_err(|reason| SelftestError::System { what: file.display().to_string(), reason })
    }
}

/// A place with its signal.
fn place(place: &Place) -> String {
    format!("{}: {}", place.signal.name(), place.name)
}

/// A case in a line.
fn name(case: &Case<'_>) -> String {
    format!(
        "{}, {}, in {} {}, over {}",
        case.canary.rule,
        case.disguise.name,
        case.place.signal.name(),
        case.place.name,
        case.protocol.name()
    )
}

/// Rows with their columns below each other.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            format!("{cell:<width$}", width = width(column).unwrap_or_default())
        });
        text += cells.collect::<Vec<String>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
