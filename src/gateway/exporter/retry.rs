//! `retry_on_failure`: tries again what the upstream could not take just now.
//!
//! Only answers that the OTLP specification calls retryable are tried again. The
//! sender waits meanwhile, so that giving up loses nothing: it is told to try
//! again itself. For a queue on disk nobody waits; what it gives up goes to the dead
//! letter.
//!
//! After an outage nobody sits out a long wait: the first request that is accepted
//! wakes all that wait on their own account. An upstream that says itself how long to
//! wait is believed.

use std::hash::BuildHasher;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Semaphore;
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

    /// Attempts until the outcome is not retryable, `max_elapsed_time` has passed, the
    /// next attempt would have no time until the deadline, or the gateway stops: then the
    /// sender had better try again elsewhere.
    pub async fn run<F: Future<Output = Outcome>>(
        &self,
        waiting: Waiting<'_>,
        mut attempt: impl FnMut() -> F,
    ) -> Outcome {
        let Waiting { deadline, mut stop, upstream, is_probe } = waiting;
        let begun = Instant::now();
        let mut interval = self.initial_interval.0;
        loop {
            let mut returns = upstream.returns.subscribe();
            let outcome = tokio::select! {
                outcome = attempt() => outcome,
                () = stopped(&mut stop) => return Err(Refusal::Stopping),
            };
            let Err(refusal) = &outcome else {
                upstream.accepted();
                return outcome;
            };
            if !refusal.is_retryable() {
                // It answers: that is no outage.
                upstream.accepted();
                return outcome;
            }
            upstream.failed();
            if !self.enabled {
                return outcome;
            }
            let asked = match refusal {
                Refusal::Unavailable { retry_after, .. } => *retry_after,
                _ => None,
            };
            let mut wait = self.jittered(interval).max(asked.unwrap_or_default());
            let may_probe = is_probe && asked.is_none();
            let probe = may_probe.then(|| upstream.probe.try_acquire().ok()).flatten();
            if probe.is_some() {
                wait = wait.min(PROBE_INTERVAL);
            }
            // How long an upstream asks us to wait is its choice.
            let Some(next) = Instant::now().checked_add(wait) else { return outcome };
            let last = begun + self.max_elapsed_time.0;
            let too_late = !self.max_elapsed_time.0.is_zero() && last < next;
            let end = next.checked_add(ATTEMPT_TIME_MIN).unwrap_or(next);
            if too_late || deadline.is_some_and(|deadline| deadline <= end) {
                return outcome;
            }
            let is_back = async {
                if returns.changed().await.is_ok() {
                    sleep(chance(RETURN_SPREAD)).await;
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = is_back, if asked.is_none() => {}
                _ = stop.wait_for(|stop| *stop) => return outcome,
            }
            interval = interval.mul_f64(self.multiplier.0).min(self.max_interval.0);
        }
    }

    fn jittered(&self, interval: Duration) -> Duration {
        let factor = self.randomization_factor.0;
        interval.mul_f64(1.0 - factor) + chance(interval.mul_f64(2.0 * factor))
    }
}

/// A duration up to `max`, by chance.
fn chance(max: Duration) -> Duration {
    // Each `RandomState` has other keys: as much chance as a back-off needs.
    max.mul_f64(std::hash::RandomState::new().hash_one(0u8) as f64 / u64::MAX as f64)
}

/// Waits until the gateway has been stopping for so long that an attempt is given up.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Whoever could stop it is gone, which only tests do.
        std::future::pending::<()>().await;
    }
    sleep(ATTEMPT_AFTER_STOP_MAX).await;
}

/// While an upstream is away, a queue on disk asks once in this time whether it is
/// back, with one request, whatever the others wait for.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// After an outage of at least this, who waits is woken when the upstream is back. A
/// single refusal is no outage: then each keeps its own time.
const OUTAGE_MIN: Duration = Duration::from_secs(1);

/// Over which time those that are woken spread.
const RETURN_SPREAD: Duration = Duration::from_millis(250);

/// No further attempt is begun that a sender would wait for less long: one that is cut
/// may have arrived, and then comes twice.
const ATTEMPT_TIME_MIN: Duration = Duration::from_millis(200);

/// How long an attempt that is under way may still take when the gateway stops.
const ATTEMPT_AFTER_STOP_MAX: Duration = Duration::from_secs(3);

/// What an attempt has to know beside the request.
pub struct Waiting<'a> {
    /// Until when the sender waits, where there is one.
    pub deadline: Option<Instant>,
    /// Whether the gateway stops.
    pub stop: watch::Receiver<bool>,
    /// What is known of the upstream.
    pub upstream: &'a Upstream,
    /// Whether this request may be the one that asks whether the upstream is back.
    pub is_probe: bool,
}

/// What all requests to one upstream know of it together.
#[derive(Debug)]
pub struct Upstream {
    failing_since: Mutex<Option<Instant>>,
    /// Counts ends of outages.
    returns: watch::Sender<u64>,
    probe: Semaphore,
}

impl Default for Upstream {
    fn default() -> Self {
        let (returns, _) = watch::channel(0);
        Self { failing_since: Mutex::default(), returns, probe: Semaphore::new(1) }
    }
}

impl Upstream {
    fn accepted(&self) {
        let since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner).take();
        if since.is_some_and(|since| OUTAGE_MIN <= since.elapsed()) {
            self.returns.send_modify(|count| *count += 1);
        }
    }

    fn failed(&self) {
        let mut since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now);
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
        let upstream = Upstream::default();
        let waiting = Waiting { deadline, stop, upstream: &upstream, is_probe: false };
        let ended = config
            .run(waiting, || {
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
        let upstream = Upstream::default();
        let waiting = Waiting { deadline: None, stop, upstream: &upstream, is_probe: false };
        let ended = config.run(waiting, attempt);
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
