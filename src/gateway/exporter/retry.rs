//! `retry_on_failure`: tries again what the upstream could not take just now.
//!
//! Only answers that the OTLP specification calls retryable are tried again. The
//! sender waits meanwhile, so that giving up loses nothing: it is told to try
//! again itself.

use std::hash::BuildHasher;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::config::duration::GoDuration;

/// `retry_on_failure` (Collector, `config/configretry`).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether anything is tried again here. Where not, the sender is told at once.
    pub enabled: bool,
    /// The wait before the second attempt. Default 5s.
    pub initial_interval: GoDuration,
    /// By which part of it a wait is longer or shorter, by chance. Default 0.5.
    pub randomization_factor: Fraction,
    /// By what the wait grows with each attempt. Default 1.5.
    pub multiplier: Multiplier,
    /// The longest wait. Default 30s.
    pub max_interval: GoDuration,
    /// After which time there is no further attempt. Default 5m; 0: never.
    pub max_elapsed_time: GoDuration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: GoDuration(Duration::from_secs(5)),
            randomization_factor: Fraction(0.5),
            multiplier: Multiplier(1.5),
            max_interval: GoDuration(Duration::from_secs(30)),
            max_elapsed_time: GoDuration(Duration::from_secs(5 * 60)),
        }
    }
}

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Fraction(f64);

impl TryFrom<f64> for Fraction {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        if !(0.0..=1.0).contains(&number) {
            return Err("expected 0 to 1");
        }
        Ok(Self(number))
    }
}

/// A number from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Multiplier(f64);

impl TryFrom<f64> for Multiplier {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        if !(1.0..=100.0).contains(&number) {
            return Err("expected 1 to 100");
        }
        Ok(Self(number))
    }
}

impl Config {
    /// No second attempt.
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// Attempts until the outcome is not retryable, `max_elapsed_time` has passed,
    /// the next attempt would come after `deadline`, or `stop` is true: then the
    /// sender had better try again elsewhere.
    pub async fn run<F: Future<Output = Outcome>>(
        &self,
        deadline: Option<Instant>,
        mut stop: watch::Receiver<bool>,
        mut attempt: impl FnMut() -> F,
    ) -> Outcome {
        let begun = Instant::now();
        let mut interval = self.initial_interval.0;
        loop {
            let outcome = attempt().await;
            let Err(refusal) = &outcome else { return outcome };
            if !self.enabled || !refusal.is_retryable() {
                return outcome;
            }
            let asked = match refusal {
                Refusal::Unavailable { retry_after, .. } => *retry_after,
                _ => None,
            };
            let wait = self.jittered(interval).max(asked.unwrap_or_default());
            // How long an upstream asks us to wait is its choice.
            let Some(next) = Instant::now().checked_add(wait) else { return outcome };
            let last = begun + self.max_elapsed_time.0;
            let too_late = !self.max_elapsed_time.0.is_zero() && last < next;
            if too_late || deadline.is_some_and(|deadline| deadline <= next) {
                return outcome;
            }
            tokio::select! {
                () = sleep(wait) => {}
                _ = stop.wait_for(|stop| *stop) => return outcome,
            }
            interval = interval.mul_f64(self.multiplier.0).min(self.max_interval.0);
        }
    }

    fn jittered(&self, interval: Duration) -> Duration {
        // Each `RandomState` has other keys: as much chance as a back-off needs.
        let chance = std::hash::RandomState::new().hash_one(0u8) as f64 / u64::MAX as f64;
        interval.mul_f64(1.0 + self.randomization_factor.0 * (2.0 * chance - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fast() -> Config {
        Config {
            initial_interval: GoDuration(Duration::from_millis(5)),
            max_elapsed_time: GoDuration(Duration::from_millis(100)),
            ..Config::default()
        }
    }

    fn unavailable(retry_after: Option<Duration>) -> Outcome {
        Err(Refusal::Unavailable { code: 14, retry_after, message: String::new() })
    }

    async fn attempts(config: Config, deadline: Option<Duration>, outcome: Outcome) -> u32 {
        let mut attempts = 0;
        let deadline = deadline.map(|after| Instant::now() + after);
        let (_running, stop) = watch::channel(false);
        let ended = config
            .run(deadline, stop, || {
                attempts += 1;
                std::future::ready(outcome.clone())
            })
            .await;
        assert_eq!(ended, outcome);
        attempts
    }

    #[tokio::test]
    async fn only_what_is_retryable_is_tried_again_and_not_for_ever() {
        let rejected = Err(Refusal::Rejected { code: 3, message: String::new() });
        assert_eq!(attempts(fast(), None, rejected).await, 1);
        assert_eq!(attempts(fast(), None, Ok(Default::default())).await, 1);
        assert_eq!(attempts(Config::off(), None, unavailable(None)).await, 1);
        assert!(2 < attempts(fast(), None, unavailable(None)).await);
    }

    #[tokio::test]
    async fn a_wait_beyond_the_end_is_not_begun() {
        for seconds in [3, u64::MAX] {
            let long = Some(Duration::from_secs(seconds));
            assert_eq!(attempts(fast(), None, unavailable(long)).await, 1);
        }
        let deadline = Some(Duration::from_millis(1));
        assert_eq!(attempts(fast(), deadline, unavailable(None)).await, 1);
    }

    #[tokio::test]
    async fn a_gateway_that_stops_waits_for_no_further_attempt() {
        let (running, stop) = watch::channel(false);
        let attempt = || std::future::ready(unavailable(None));
        let config = Config::default();
        let ended = config.run(None, stop, attempt);
        let stopping = async { running.send(true) };
        let (ended, _) = tokio::join!(ended, stopping);
        assert_eq!(ended, unavailable(None));
    }

    #[test]
    fn jitter_stays_within_the_factor() {
        for _ in 0..1000 {
            let wait = Config::default().jittered(Duration::from_secs(10)).as_secs_f64();
            assert!((5.0..=15.0).contains(&wait));
        }
    }
}
