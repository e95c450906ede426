//! `memory_limiter`: how much memory requests may take.
//!
//! The Collector watches its heap and refuses requests that it has already read.
//! Here the limit is on the bytes of requests under way, and a request is refused
//! before it is read: what is counted is what is held, so there is nothing to
//! watch.

use std::time::Duration;

use serde::Deserialize;

use crate::gateway::config::duration::GoDuration;
use crate::scrub::yaml::YamlError;

/// `processors.memory_limiter`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Accepted, and above zero as the Collector asks: nothing is checked at
    /// intervals here.
    pub check_interval: GoDuration,
    /// The limit, in MiB. This or `limit_percentage` is needed.
    pub limit_mib: u32,
    /// The limit, as a part of the memory of the machine or container.
    pub limit_percentage: Percentage,
    /// How far below the limit requests are refused, in MiB. Default: a fifth of it.
    pub spike_limit_mib: u32,
    /// The same, as a part of the memory of the machine or container.
    pub spike_limit_percentage: Percentage,
    /// Accepted: there is no garbage here.
    pub min_gc_interval_when_soft_limited: GoDuration,
    /// Accepted: there is no garbage here.
    pub min_gc_interval_when_hard_limited: GoDuration,
    /// Accepted: there is no garbage here.
    pub max_gc_interval_when_soft_limited: GoDuration,
    /// Accepted: there is no garbage here.
    pub max_gc_interval_when_hard_limited: GoDuration,
}

/// 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct Percentage(u32);

impl TryFrom<u32> for Percentage {
    type Error = &'static str;

    fn try_from(percentage: u32) -> Result<Self, Self::Error> {
        if 100 < percentage {
            return Err("expected 0 to 100");
        }
        Ok(Self(percentage))
    }
}

impl Percentage {
    fn of(self, bytes: usize) -> usize {
        bytes / 100 * self.0 as usize
    }
}

impl Config {
    /// How many bytes of requests may be under way: the limit without the spike.
    /// `path` is the YAML path of the settings.
    ///
    /// # Errors
    ///
    /// When the settings give no limit or contradict each other.
    pub fn bytes_max(&self, path: &str) -> Result<usize, YamlError> {
        self.bytes_max_of(total_memory_bytes(), path)
    }

    fn bytes_max_of(&self, total: Option<usize>, path: &str) -> Result<usize, YamlError> {
        let fault = |name, expected: &str| Err(YamlError::new(format!("{path}.{name}"), expected));
        if self.check_interval.0 == Duration::ZERO {
            return fault("check_interval", "expected more than 0");
        }
        let by_mib = self.limit_mib != 0;
        if !by_mib && self.limit_percentage.0 == 0 {
            return fault("limit_mib", "expected this or limit_percentage to be more than 0");
        }
        let (limit, spike) = if by_mib {
            (mib(self.limit_mib), mib(self.spike_limit_mib))
        } else {
            let Some(total) = total else {
                return fault("limit_percentage", "expected limit_mib: memory size is unknown");
            };
            (self.limit_percentage.of(total), self.spike_limit_percentage.of(total))
        };
        if limit <= spike {
            let name = if by_mib { "spike_limit_mib" } else { "spike_limit_percentage" };
            return fault(name, "expected less than the limit");
        }
        Ok(limit - if spike == 0 { limit / 5 } else { spike })
    }
}

fn mib(mib: u32) -> usize {
    (mib as usize).saturating_mul(1 << 20)
}

/// The memory of the container, or else of the machine.
fn total_memory_bytes() -> Option<usize> {
    let container = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok()?.trim().parse().ok());
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|info| {
        let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kib.checked_mul(1024)
    });
    match (container, machine) {
        // Without a limit a container may have 2^63 or so.
        (Some(container), Some(machine)) => Some(usize::min(container, machine)),
        (container, machine) => container.or(machine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config { check_interval: GoDuration(Duration::from_secs(1)), ..Config::default() }
    }

    #[test]
    fn the_spike_is_a_fifth_unless_it_is_said() {
        let limit = Config { limit_mib: 100, ..config() };
        assert_eq!(limit.bytes_max("p"), Ok(80 << 20));
        let limit = Config { limit_mib: 100, spike_limit_mib: 30, ..config() };
        assert_eq!(limit.bytes_max("p"), Ok(70 << 20));
        let limit = Config { limit_percentage: Percentage(50), ..config() };
        assert_eq!(limit.bytes_max_of(Some(1000), "p"), Ok(400));
    }

    #[test]
    fn faults_name_the_setting() {
        let spike = Config { limit_mib: 1, spike_limit_mib: 1, ..config() };
        for (config, message) in [
            (Config::default(), "p.check_interval: expected more than 0"),
            (config(), "p.limit_mib: expected this or limit_percentage to be more than 0"),
            (spike, "p.spike_limit_mib: expected less than the limit"),
        ] {
            assert_eq!(config.bytes_max("p").unwrap_err().to_string(), message);
        }
    }
}
