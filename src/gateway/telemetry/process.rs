//! What the operating system says of this process.

use std::time::Instant;

use prometheus::Counter;
use prometheus::Gauge;
use prometheus::Opts;
use prometheus::Registry;

use crate::gateway::telemetry::metrics::register;

/// Clock ticks in a second, as `/proc` counts them: 100 on every Linux that Rust
/// supports (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// `otelcol_process_*`, brought up to date before each look.
pub(in crate::gateway::telemetry) struct ProcessMetrics {
    started: Instant,
    uptime_seconds: Counter,
    cpu_seconds: Counter,
    memory_bytes: Gauge,
}

impl ProcessMetrics {
    pub(in crate::gateway::telemetry) fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str| {
            let counter = Counter::with_opts(Opts::new(format!("otelcol_{name}"), help))
                .expect("names here are valid");
            register(registry, counter.clone());
            counter
        };
        let uptime_seconds = counter("process_uptime", "Seconds since the start.");
        let cpu_seconds = counter("process_cpu_seconds", "CPU seconds, user and system.");
        let opts = Opts::new("otelcol_process_memory_rss", "Resident memory in bytes.");
        let memory_bytes = Gauge::with_opts(opts).expect("the name is valid");
        register(registry, memory_bytes.clone());
        Self { started: Instant::now(), uptime_seconds, cpu_seconds, memory_bytes }
    }

    pub(in crate::gateway::telemetry) fn update(&self) {
        set(&self.uptime_seconds, self.started.elapsed().as_secs_f64());
        if let Some(seconds) = read("/proc/self/stat").as_deref().and_then(cpu_seconds) {
            set(&self.cpu_seconds, seconds);
        }
        if let Some(bytes) = read("/proc/self/status").as_deref().and_then(resident_bytes) {
            self.memory_bytes.set(bytes);
        }
    }
}

/// Brings a counter to a value that was counted elsewhere.
fn set(counter: &Counter, value: f64) {
    let more = value - counter.get();
    if 0.0 < more {
        counter.inc_by(more);
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Fields 14 and 15 of `/proc/self/stat`: user and system time. The second field
/// is the program's name in parentheses and may hold blanks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// `VmRSS` of `/proc/self/status`, which is in KiB.
fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_read_as_its_manual_says() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 3 0 100 1 1";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("42 (x) S"), None);
        assert_eq!(resident_bytes("VmHWM: 9 kB\nVmRSS:\t    2 kB\n"), Some(2048.0));
        assert_eq!(resident_bytes("VmHWM: 9 kB\n"), None);
    }
}
