//! How much stack a program has, and how much of it is used: against recursion without end in what
//! it is given to run.
//!
//! What one level of nesting takes differs by a factor of ten, so it is measured, not counted.

/// Bytes that the linker gives the stack of a program that interprets something. Of a stack that is
/// not touched nothing is held.
const LINKED: usize = 6 << 20;

/// For a build script: gives the stack of the programs of its crate this size.
pub fn link() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "wasi") {
        println!("cargo::rustc-link-arg-bins=-zstack-size={LINKED}");
    }
}

/// The stack of a program from where it began.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    base: usize,
    limit: usize,
}

/// Bytes that a program's nesting may use. In a cell it is far less than there is, for the frames
/// of compiled code are larger than the guest's own (measured: up to 1.4 times in the shell, which
/// has a limit of its own, and over 1.6 times in smaller interpreters). Elsewhere, threads have
/// 2 MiB.
const OF_PROGRAM: usize = if cfg!(target_family = "wasm") { 2 << 20 } else { 1 << 20 };

impl Stack {
    /// The stack of a program that interprets something.
    pub fn of_program() -> Stack {
        Stack::new(OF_PROGRAM)
    }

    /// The stack from here on, of which `limit` bytes may be used: less than it has ([`link`]), by as much
    /// as what is run last needs.
    pub fn new(limit: usize) -> Stack {
        Stack { base: pointer(), limit }
    }

    /// Whether more is used than may be.
    pub fn is_full(&self) -> bool {
        self.used() > self.limit
    }

    /// Whether fewer than this many bytes are left.
    pub fn lacks(&self, bytes: usize) -> bool {
        self.used().saturating_add(bytes) > self.limit
    }

    fn used(&self) -> usize {
        self.base.abs_diff(pointer())
    }
}

/// Roughly where the stack is.
#[inline(never)]
fn pointer() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(stack: &Stack, level: usize) -> usize {
        let room = std::hint::black_box([0_u8; 1_000]);
        match stack.is_full() {
            true => level + usize::from(room[0]),
            false => deep(stack, level + 1),
        }
    }

    #[test]
    fn a_level_takes_what_it_takes() {
        let stack = Stack::new(100_000);

        let reached = deep(&stack, 0);

        assert!((10..=100).contains(&reached), "{reached} levels");
        assert!(!stack.is_full());
        assert!(!stack.lacks(50_000) && stack.lacks(200_000));
    }
}
