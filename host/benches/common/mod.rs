//! What the benches share: a runtime with its code compiled, cells, trees to search.
#![allow(dead_code, reason = "each bench uses a part")]

use std::path::Path;

use criterion::{BatchSize, Criterion};
use toolcell::runtime::Program;
use toolcell::{Cell, CellOptions, Runtime, RuntimeOptions};

/// A multi-threaded executor, as an embedder has.
pub(crate) fn executor() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap()
}

/// A runtime whose compiled components are kept between benches.
pub(crate) fn runtime() -> Runtime {
    Runtime::new(RuntimeOptions::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-cache")))
        .unwrap()
}

/// A cell in a temporary directory.
pub(crate) fn cell(runtime: &Runtime) -> (tempfile::TempDir, Cell) {
    let directory = tempfile::tempdir().unwrap();
    let cell = runtime.open_cell(CellOptions::new(directory.path().join("cell"))).unwrap();
    (directory, cell)
}

/// How long a new cell takes to the end of `first`. Each iteration has a cell of its own, which is
/// opened in the time that is measured.
pub(crate) fn new_cells(
    criterion: &mut Criterion,
    name: &str,
    first: impl Fn(&tokio::runtime::Runtime, &Cell),
) {
    let executor = executor();
    let runtime = runtime();
    let directory = tempfile::tempdir().unwrap();
    let mut number = 0;
    criterion.bench_function(name, |bench| {
        bench.iter_batched(
            || {
                number += 1;
                directory.path().join(number.to_string())
            },
            |path| first(&executor, &runtime.open_cell(CellOptions::new(path)).unwrap()),
            BatchSize::PerIteration,
        );
    });
}

/// A program of this name, compiled.
pub(crate) fn program(runtime: &Runtime, name: &str) -> Program {
    let guest = toolcell_artifacts::HOSTILE.iter().find(|guest| guest.name == name).unwrap();
    runtime.program(name, guest.wasm).unwrap()
}

/// One of the programs that every cell has, compiled.
pub(crate) fn packed_program(runtime: &Runtime, name: &str) -> Program {
    let guest = toolcell_artifacts::PROGRAMS.iter().find(|guest| guest.name == name).unwrap();
    runtime.program(name, guest.wasm).unwrap()
}

/// Source-like files: 3,300 of them, 32 MB, in 300 directories. The same every time.
pub(crate) fn tree(root: &Path) {
    let mut random = 1_u64;
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % below
    };
    let words = [
        "let", "mut", "fn", "return", "self", "value", "index", "buffer", "error", "Ok", "match",
        "struct", "impl", "pub", "use", "for", "in", "if", "else", "while", "result", "length",
    ];
    for number in 0..3_300_u64 {
        let directory = root.join(format!("pkg{}/mod{}", number % 20, number % 300));
        std::fs::create_dir_all(&directory).unwrap();
        let mut text = String::new();
        while text.len() < 9_700 {
            text.push_str(&" ".repeat(4 * next(4) as usize));
            for _ in 0..3 + next(8) {
                text.push_str(words[next(words.len() as u64) as usize]);
                text.push(' ');
            }
            text.push_str(if next(200) == 0 { "// needle\n" } else { ";\n" });
        }
        let name = ["rs", "toml", "md", "txt"][next(4) as usize];
        std::fs::write(directory.join(format!("file{number}.{name}")), text).unwrap();
    }
}
