//! What mediation costs on writing: permit, quota and journal against the bare system calls.
#![allow(clippy::disallowed_methods, reason = "a bench sets the scene by paths")]
#![allow(missing_docs, reason = "a bench")]

mod common;

use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use toolcell::policy::{Grant, Rights};
use toolcell::vfs::{Mediator, OpenHow};

const FILES: u64 = 200;

fn writes(criterion: &mut Criterion) {
    let runtime = common::runtime();
    let (directory, cell) = common::cell(&runtime);
    let mediator = || {
        let actor = cell.journal().actor("bench", "bench", "").unwrap();
        let regions = cell.space().regions().into_iter().map(|region| (region, Rights::ReadWrite));
        Mediator::new(cell.space().clone(), Grant::new(actor, regions.collect()))
    };
    let data = vec![b'x'; 4096];
    let mut group = criterion.benchmark_group("make, write 4 KiB, close, remove");
    group.throughput(Throughput::Elements(FILES));
    group.bench_function("mediated and journaled", |bench| {
        bench.iter(|| {
            let mediator = mediator();
            let root = mediator.root();
            for number in 0..FILES {
                let path = format!("home/agent/workspace/f{number}");
                let file = mediator.open_at(&root, &path, OpenHow::CREATE).unwrap();
                mediator.write_at(&file, &data, 0).unwrap();
                drop(file);
                mediator.unlink_file(&root, &path).unwrap();
            }
        });
    });
    let native = directory.path().join("native");
    std::fs::create_dir(&native).unwrap();
    group.bench_function("native", |bench| {
        bench.iter(|| {
            for number in 0..FILES {
                let path = native.join(format!("f{number}"));
                let file = std::fs::File::create(&path).unwrap();
                file.write_all_at(&data, 0).unwrap();
                drop(file);
                std::fs::remove_file(&path).unwrap();
            }
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("4 KiB writes to one open file");
    group.throughput(Throughput::Elements(FILES));
    group.bench_function("mediated and journaled", |bench| {
        let mediator = mediator();
        let file = mediator
            .open_at(&mediator.root(), "home/agent/workspace/one", OpenHow::CREATE)
            .unwrap();
        bench.iter(|| {
            for number in 0..FILES {
                mediator.write_at(&file, &data, number * 4096).unwrap();
            }
        });
    });
    let file = std::fs::File::create(native.join("one")).unwrap();
    group.bench_function("native", |bench| {
        bench.iter(|| {
            for number in 0..FILES {
                file.write_all_at(&data, number * 4096).unwrap();
            }
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    targets = writes
}
criterion_main!(benches);
