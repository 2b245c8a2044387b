//! Calls itself for ever. Ends by the stack's limit.

#[expect(unconditional_recursion, reason = "that is the attack")]
fn recurse(depth: u64) -> u64 {
    std::hint::black_box([depth; 16]).iter().sum::<u64>() + recurse(depth + 1)
}

fn main() {
    println!("{}", recurse(0));
}
