//! Counters for `/metrics`, and the log of what went wrong.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::rfc3339;

/// Upper bounds of the buckets of request times, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    by_class: [AtomicU64; 6],
    buckets: [AtomicU64; BUCKETS.len() + 1],
    microseconds: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) refused_connections: AtomicU64,
    pub(super) received_bytes: AtomicU64,
    pub(super) sent_bytes: AtomicU64,
    pub(super) tool_calls: AtomicU64,
}

impl Metrics {
    pub(super) fn request(&self, status: u16, time: Duration) {
        let class = usize::from(status / 100).min(5);
        self.by_class[class].fetch_add(1, Ordering::Relaxed);
        let seconds = time.as_secs_f64();
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(micros, Ordering::Relaxed);
    }

    /// In the text format of Prometheus.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let head = |text: &mut String, name: &str, kind: &str, help: &str| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        };
        let name = "toolcell_http_requests_total";
        head(&mut text, name, "counter", "Requests answered, by class of status.");
        for (class, counter) in self.by_class.iter().enumerate().skip(1) {
            let _ = writeln!(text, "{name}{{class=\"{class}xx\"}} {}", get(counter));
        }
        let name = "toolcell_http_request_seconds";
        head(&mut text, name, "histogram", "Time from a request's head to its answer's head.");
        let mut sum = 0;
        for (bound, counter) in BUCKETS.iter().zip(&self.buckets) {
            sum += get(counter);
            let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {sum}");
        }
        sum += get(&self.buckets[BUCKETS.len()]);
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {sum}");
        let seconds = get(&self.microseconds) as f64 / 1e6;
        let _ = writeln!(text, "{name}_sum {seconds}\n{name}_count {sum}");
        for (name, kind, help, counter) in [
            ("toolcell_connections", "gauge", "Connections that are open.", &self.connections),
            (
                "toolcell_connections_refused_total",
                "counter",
                "Connections closed at once, for too many were open.",
                &self.refused_connections,
            ),
            (
                "toolcell_received_bytes_total",
                "counter",
                "Bytes of bodies received.",
                &self.received_bytes,
            ),
            ("toolcell_sent_bytes_total", "counter", "Bytes of files sent.", &self.sent_bytes),
            ("toolcell_tool_calls_total", "counter", "Tool calls run.", &self.tool_calls),
        ] {
            head(&mut text, name, kind, help);
            let _ = writeln!(text, "{name} {}", get(counter));
        }
        text
    }
}

/// Writes an error with its causes to standard error, as a line of JSON. No path of a request, no
/// key and no secret is in any of our errors' texts.
pub(super) fn report(error: &dyn std::error::Error) {
    let mut causes = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let time = rfc3339(crate::ambient::now_ns());
    eprintln!(
        "{}",
        serde_json::json!({ "time": time, "level": "error", "message": causes.join(": ") })
    );
}
