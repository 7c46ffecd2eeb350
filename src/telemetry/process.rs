//! What the process uses, from Linux's `/proc`, under the names that Prometheus' own clients use.
//!
//! Read by hand: the client library's collector brings three crates for these seven numbers.
//!
//! **Invariant:** what cannot be read has no series; nothing here fails or waits.

use std::fs;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Opts};

use crate::time::Timestamp;

/// Ticks of CPU time per second: fixed for user space on every architecture that ringward is
/// built for (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// The families of this process, which began at `started_at`. That instant is told, not read: under
/// systemd's `ProcSubset=pid` no file in `/proc` says when the machine began, from which the kernel
/// counts.
pub(super) fn families(started_at: Timestamp) -> Vec<MetricFamily> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let stat = Stat::read(&read("/proc/self/stat"));
    let resident = keyed(&read("/proc/self/status"), "VmRSS:").map(|kibibytes| kibibytes * 1024.0);
    let max_fds = keyed(&read("/proc/self/limits"), "Max open files");
    let started_at = started_at.as_duration().as_secs_f64();
    let gauges = [
        gauge("process_resident_memory_bytes", "Memory of this process in RAM.", resident),
        gauge("process_virtual_memory_bytes", "Address space of this process.", stat.virtual_bytes),
        gauge("process_threads", "Threads of this process.", stat.threads),
        gauge("process_open_fds", "Open files and sockets of this process.", open_fds()),
        gauge("process_max_fds", "Files and sockets that this process may open.", max_fds),
        gauge(
            "process_start_time_seconds",
            "When this process started, by the machine's clock.",
            Some(started_at),
        ),
    ];
    let cpu = stat.cpu_ticks.and_then(|ticks| {
        let opts = Opts::new("process_cpu_seconds_total", "CPU time of this process.");
        let counter = Counter::with_opts(opts).ok()?;
        counter.inc_by(ticks / TICKS_PER_SECOND);
        Some(counter.collect())
    });
    gauges.into_iter().chain([cpu]).flatten().flatten().collect()
}

fn gauge(name: &str, help: &str, value: Option<f64>) -> Option<Vec<MetricFamily>> {
    let gauge = Gauge::with_opts(Opts::new(name, help)).ok()?;
    gauge.set(value?);
    Some(gauge.collect())
}

#[expect(clippy::cast_precision_loss, reason = "a process has far fewer than 2^52 open files")]
fn open_fds() -> Option<f64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    // Reading the directory opened one.
    Some(open.saturating_sub(1) as f64)
}

/// The first number after `key` at the beginning of a line.
fn keyed(text: &str, key: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Some fields of `/proc/self/stat`.
#[derive(Debug, Default, PartialEq)]
struct Stat {
    cpu_ticks: Option<f64>,
    threads: Option<f64>,
    virtual_bytes: Option<f64>,
}

impl Stat {
    fn read(text: &str) -> Self {
        // The second field is the program's name in brackets, which may hold both blanks and brackets.
        let Some((_, fields)) = text.rsplit_once(')') else { return Self::default() };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // proc(5) counts from 1 and with the two fields before.
        let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<f64>().ok());
        Self {
            cpu_ticks: field(14).zip(field(15)).map(|(user, system)| user + system),
            threads: field(20),
            virtual_bytes: field(23),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_program_is_called() {
        let line = "7 (a) b) S 1 7 7 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 9 0 12345 104857600 2800 1844";
        let expected =
            Stat { cpu_ticks: Some(200.0), threads: Some(9.0), virtual_bytes: Some(104_857_600.0) };
        assert_eq!(Stat::read(line), expected);
        for (row, text) in [("nothing", ""), ("no name", "7 S 1 7"), ("short", "7 (a) S 1")] {
            assert_eq!(Stat::read(text), Stat::default(), "{row}");
        }
    }

    #[test]
    fn a_key_stands_at_the_beginning_of_a_line() {
        let limits = "Limit  Soft Limit\nMax open files            1024                 524288       files\n";
        assert_eq!(keyed(limits, "Max open files"), Some(1024.0));
        assert_eq!(keyed("x VmRSS: 3 kB\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048.0));
        assert_eq!(keyed("Max open files   unlimited  unlimited  files", "Max open files"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let families = families("2026-10-12T06:00:00Z".parse().unwrap());
        assert_eq!(families.len(), 7, "six that Linux tells, and the start");
        for family in families {
            let metric = &family.get_metric()[0];
            let value = metric.get_gauge().get_value().max(metric.get_counter().get_value());
            let expected = match family.name() {
                "process_start_time_seconds" => value.to_bits() == 1_791_784_800_f64.to_bits(),
                "process_cpu_seconds_total" => value >= 0.0,
                _ => value > 0.0,
            };
            assert!(expected, "{} is {value}", family.name());
        }
    }
}
