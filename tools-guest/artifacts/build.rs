//! Builds every guest for `wasm32-wasip2`, optimized, and generates the table of their bytes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const TARGET: &str = "wasm32-wasip2";
const TOOLS: &[&str] = &["edit", "glob", "grep", "pdf", "read", "write"];

/// The programs: the crate, which is called by its file's name, and the names that it serves.
const PROGRAMS: &[(&str, &str)] = &[
    ("archives", "bunzip2 bzcat bzip2 gunzip gzip tar unxz unzip xz xzcat zcat zip"),
    (
        "bash",
        "awk bash env find flock kill killall nice nohup pgrep pkill ps setsid sh stdbuf timeout xargs \
         zegrep zfgrep zgrep",
    ),
    ("calc", "bc dc"),
    (
        "coreutils",
        "[ b2sum base32 base64 basename basenc cksum csplit cut \
         dircolors dirname echo expand expr factor false fold join link md5sum \
         mktemp nl nproc od paste pathchk pr printenv printf ptx pwd readlink \
         realpath rm rmdir seq sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep \
         sort split sum tee test tr true truncate tsort tty unexpand uniq unlink \
         wc yes",
    ),
    ("files", "chgrp chmod chown cp df dir du install ln ls mkdir mv stat touch vdir"),
    ("jq", "jq"),
    ("rg", "rg"),
    (
        "userland",
        "arch cat clear cmp column comm curl date dd diff egrep envsubst fgrep file fmt getconf getent getopt grep \
         groups hd head hexdump hostname iconv id less locale logname more numfmt patch rev sdiff \
         sed strings stty sync tac tail tput tree uname users wget which who whoami xxd",
    ),
];

/// How every guest is compiled.
const FLAGS: &[&str] = &[
    // Every engine that runs the guests has SIMD; searching is twice as fast with it.
    "-Ctarget-feature=+simd128",
    // Room for what most programs allocate. Memory that an instance asks for has to be taken back
    // for the next one, which interrupts every processor that runs a thread of the host; room that
    // is there from the start, and was not touched, costs nothing.
    "-Clink-arg=--initial-heap=524288",
];

/// Beginnings of the variables that are about the host's build.
const OUTER: &[&str] = &[
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_FEATURE_",
    "CARGO_INCREMENTAL",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

fn main() {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate has a parent");
    let workspace = guests.parent().expect("the guests lie in the workspace");
    for name in fs::read_dir(guests).expect("the guests can be listed").flatten() {
        if name.file_name() != "artifacts" {
            println!("cargo::rerun-if-changed={}", name.path().display());
        }
    }
    for name in ["wit", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(name).display());
    }
    install_target();
    let hostile = programs(&guests.join("hostile/src/bin"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let built = build(workspace, &out);
    fs::write(out.join("artifacts.rs"), table(&built, &hostile)).expect("OUT_DIR is writable");
}

/// Adds the compilation target where rustup manages the toolchain and the target is missing.
fn install_target() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output =
        Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let libraries = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    if libraries.is_some_and(|path| Path::new(path.trim()).is_dir()) {
        return;
    }
    println!("cargo::warning=adding the compilation target {TARGET} with rustup");
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    assert!(
        added.is_ok_and(|status| status.success()),
        "the guests need the target {TARGET}; add it with: rustup target add {TARGET}"
    );
}

/// Flags by which a guest that panics says nothing of the machine that it was built on.
fn without_paths(workspace: &Path) -> Vec<String> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"));
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
    let sources = cargo.map(|cargo| (cargo.join("registry/src"), "crates"));
    let replaced = sources.into_iter().chain([(workspace.to_owned(), ".")]);
    replaced.map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display())).collect()
}

/// Runs cargo for the guests. Its target directory is one for all profiles of the host.
fn build(workspace: &Path, out: &Path) -> PathBuf {
    let target_dir = out
        .ancestors()
        .find(|path| path.join("CACHEDIR.TAG").is_file())
        .unwrap_or(out)
        .join("guests");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo.current_dir(workspace).args(["build", "--locked", "--profile", "guest"]);
    cargo.args(["--target", TARGET]).arg("--target-dir").arg(&target_dir);
    let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
    flags.extend(without_paths(workspace));
    let flags = format!("target.{TARGET}.rustflags={flags:?}");
    cargo.args(["--config", &flags]);
    for tool in TOOLS {
        cargo.args(["--package", &format!("toolcell-{tool}")]);
    }
    for (program, _) in PROGRAMS {
        cargo.args(["--package", &format!("toolcell-{program}")]);
    }
    cargo.args(["--package", "toolcell-hostile"]);
    // What the outer cargo set for the host's build is wrong for the guests'. What says where
    // packages come from stays.
    for (name, _) in env::vars_os() {
        if OUTER.iter().any(|outer| name.to_string_lossy().starts_with(outer)) {
            cargo.env_remove(name);
        }
    }
    let status = cargo.status().expect("cargo can be run");
    assert!(status.success(), "building the guests failed; cargo's messages are above");
    target_dir.join(TARGET).join("guest")
}

fn programs(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("the hostile guests can be listed")
        .flatten()
        .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

fn table(built: &Path, hostile: &[String]) -> String {
    let bytes = |file: String| format!("include_bytes!({:?})", built.join(file));
    let mut code =
        String::from("/// The tool components, by name.\npub static TOOLS: &[Guest] = &[\n");
    for tool in TOOLS {
        let file = bytes(format!("toolcell_{tool}.wasm"));
        code += &format!("    Guest {{ name: {tool:?}, wasm: {file} }},\n");
    }
    code += "];\n/// The programs, by component.\npub static PROGRAMS: &[ProgramGuest] = &[\n";
    for (program, names) in PROGRAMS {
        let names: Vec<&str> = names.split_whitespace().collect();
        let file = bytes(format!("{program}.wasm"));
        code += &format!(
            "    ProgramGuest {{ name: {program:?}, names: &{names:?}, wasm: {file} }},\n"
        );
    }
    code += "];\n/// The hostile programs, by name.\npub static HOSTILE: &[Guest] = &[\n";
    for name in hostile {
        let file = bytes(format!("{name}.wasm"));
        code += &format!("    Guest {{ name: {name:?}, wasm: {file} }},\n");
    }
    code + "];\n"
}
