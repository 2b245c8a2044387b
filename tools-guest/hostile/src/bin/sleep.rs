//! Waits for ever, in the host. Ends by its deadline, though it never runs.

fn main() {
    std::thread::sleep(std::time::Duration::from_secs(1 << 30));
}
