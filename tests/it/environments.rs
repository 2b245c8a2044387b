//! Environments and the store: what changes in one is kept as versions, and comes back on a machine
//! that has never seen it.

use std::sync::Arc;

use tests::store::{Faulty, Plan, store};
use toolcell::Door;
use toolcell::environment::ENVIRONMENT_REGION;
use toolcell::execution::{Execution, Executions, StartRequest, StoreAddress};
use toolcell::persist::{Tree, Version};

use crate::executions::{State, bash, done};
use crate::faults::at_every_request;

const ENV: &str = "env_1";

fn open(state: &State, faulty: &Arc<Faulty>) -> Executions {
    let mut options = state.options();
    options.store = StoreAddress::Given(store(faulty));
    state.open_with(options)
}

fn two_machines() -> (State, State, Arc<Faulty>) {
    (State::new(), State::new(), Arc::new(Faulty::default()))
}

async fn bound(executions: &Executions) -> Arc<Execution> {
    let request = StartRequest {
        agent: "agent".to_owned(),
        environment: Some(ENV.to_owned()),
        ..StartRequest::default()
    };
    executions.start(request).await.unwrap()
}

async fn door(executions: &Executions) -> Door {
    executions.environment(ENV).await.unwrap().door("files api", "request").unwrap()
}

fn put(door: &Door, path: &str, content: &str) {
    let (parent, _) = path.rsplit_once('/').unwrap_or_default();
    door.make_directories(&format!("/workspace/{parent}")).unwrap();
    let mut incoming = door.receive(ENVIRONMENT_REGION).unwrap();
    incoming.write(content.as_bytes()).unwrap();
    incoming.publish(&format!("/workspace/{path}"), true).unwrap();
    door.flush().unwrap();
}

fn read(door: &Door, path: &str) -> String {
    let file = door.open(&format!("/workspace/{path}")).unwrap();
    String::from_utf8(file.read(0, 1 << 20).unwrap()).unwrap()
}

/// The paths there are, in the environment and in a version.
fn listed(door: &Door) -> String {
    let found = door.walk("/workspace", 64, 1_000).unwrap();
    found.into_iter().map(|(path, _)| path).collect::<Vec<_>>().join(" ")
}

fn paths(tree: &Tree) -> String {
    tree.keys().cloned().collect::<Vec<_>>().join(" ")
}

async fn latest(executions: &Executions) -> Arc<Version> {
    executions.environment_versions(ENV).await.unwrap().unwrap().latest().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_synced_is_there_on_another_machine() {
    let (one, two, faulty) = two_machines();
    let executions = open(&one, &faulty);
    put(&door(&executions).await, "src/app.py", "print(1)\n");
    let run = bound(&executions).await;
    bash(
        &run,
        "cd /workspace; mkdir -p empty deep/er; echo 'echo ran' > deep/er/go; chmod +x deep/er/go
         ln -s deep/er/go link; echo 'print(2)' >> src/app.py",
    )
    .await;
    let synced = executions.sync_environment(ENV).await.unwrap();
    assert_eq!(synced.len(), 2, "one of the doors, one of the execution: {synced:?}");
    let version = latest(&executions).await;
    assert_eq!(version.tree["deep/er/go"].by.as_deref(), Some(run.id()));
    executions.park_all().await;

    let executions = open(&two, &faulty);
    let door = door(&executions).await;
    assert_eq!(listed(&door), "deep deep/er deep/er/go empty link src src/app.py");
    assert_eq!(read(&door, "src/app.py"), "print(1)\nprint(2)\n");
    let run = bound(&executions).await;
    assert_eq!(
        bash(&run, "/workspace/link; cat /workspace/src/app.py").await,
        "ran\nprint(1)\nprint(2)"
    );
    // Nothing of that is a change.
    executions.sync_environment(ENV).await.unwrap();
    assert_eq!(latest(&executions).await.number, version.number);
}

#[tokio::test(flavor = "multi_thread")]
async fn removals_and_renames_are_versions_too() {
    let (one, two, faulty) = two_machines();
    let executions = open(&one, &faulty);
    let run = bound(&executions).await;
    bash(&run, "cd /workspace; mkdir -p a/b; echo 1 > a/b/c; echo 2 > d; echo 3 > e").await;
    executions.sync_environment(ENV).await.unwrap();
    bash(&run, "cd /workspace; mv a z; rm d; rm e; mkdir e; echo 4 > e/f").await;
    executions.sync_environment(ENV).await.unwrap();
    assert_eq!(paths(&latest(&executions).await.tree), "e e/f z z/b z/b/c");
    executions.park_all().await;
    assert_eq!(listed(&door(&open(&two, &faulty)).await), "e e/f z z/b z/b/c");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_still_being_written_is_looked_at_again() {
    let (one, _, faulty) = two_machines();
    let executions = open(&one, &faulty);
    let door = door(&executions).await;
    let mediator = door.mediator();
    let node = mediator.open("/workspace/log", toolcell::vfs::OpenHow::CREATE).unwrap();
    mediator.write_at(&node, b"one\n", 0).unwrap();
    executions.sync_environment(ENV).await.unwrap();
    let size = |version: &Version| version.tree["log"].file().unwrap().size;
    assert_eq!(size(&*latest(&executions).await), 4);
    // It belongs to the record that was open then: there is no new one.
    mediator.write_at(&node, b"two\n", 4).unwrap();
    executions.sync_environment(ENV).await.unwrap();
    assert_eq!(size(&*latest(&executions).await), 8);
    mediator.write_at(&node, b"three\n", 8).unwrap();
    drop(node);
    executions.sync_environment(ENV).await.unwrap();
    assert_eq!(size(&*latest(&executions).await), 14);
    executions.sync_environment(ENV).await.unwrap();
    assert_eq!(latest(&executions).await.number, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_through_another_name_is_found() {
    let (one, _, faulty) = two_machines();
    let executions = open(&one, &faulty);
    let run = bound(&executions).await;
    bash(&run, "cd /workspace; echo 1 > a; ln a b").await;
    executions.sync_environment(ENV).await.unwrap();
    bash(&run, "echo 22 > /workspace/a").await;
    executions.sync_environment(ENV).await.unwrap();
    let version = latest(&executions).await;
    assert_eq!(version.tree["a"].file(), version.tree["b"].file());
    assert_eq!(version.tree["b"].file().unwrap().size, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_behind_is_synced_at_the_next_start() {
    let (one, _, faulty) = two_machines();
    let executions = open(&one, &faulty);
    put(&door(&executions).await, "early", "1");
    let run = bound(&executions).await;
    bash(&run, "echo 2 > /workspace/late").await;
    // As after a crash: nothing is parked, and nobody opens the environment again.
    drop((run, executions));
    let executions = open(&one, &faulty);
    executions.sync_left_behind().await.unwrap();
    assert_eq!(paths(&latest(&executions).await.tree), "early late");
    drop(executions);
    let executions = open(&one, &faulty);
    faulty.plan(Plan::Well);
    executions.sync_left_behind().await.unwrap();
    assert_eq!(faulty.used().0, 0, "what is not behind is not opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_older_than_the_first_version_are_in_it() {
    let (one, _, faulty) = two_machines();
    let mut options = one.options();
    options.store = StoreAddress::Given(store(&faulty));
    options.keep_environments = false;
    faulty.plan(Plan::Well);
    let executions = one.open_with(options);
    let run = bound(&executions).await;
    bash(&run, "mkdir /workspace/x; echo 1 > /workspace/x/y").await;
    assert!(executions.environment_versions(ENV).await.unwrap().is_none());
    executions.sync_environment(ENV).await.unwrap();
    executions.park_all().await;
    drop((run, executions));

    let executions = open(&one, &faulty);
    executions.sync_environment(ENV).await.unwrap();
    assert_eq!(paths(&latest(&executions).await.tree), "x x/y");
}

/// One change after another with a plan in force, and again without one.
async fn survive(plan: Plan) -> bool {
    let (one, two, faulty) = two_machines();
    let executions = open(&one, &faulty);
    put(&door(&executions).await, "a", "1");
    executions.sync_environment(ENV).await.unwrap();
    let run = bound(&executions).await;
    bash(&run, "cd /workspace; rm a; mkdir c; echo 3 > c/d").await;
    put(&door(&executions).await, "b", "2");

    faulty.plan(plan);
    let done = executions.sync_environment(ENV).await;
    let broke = faulty.broke();
    faulty.plan(Plan::Well);
    executions.sync_environment(ENV).await.unwrap();
    let version = latest(&executions).await;
    assert_eq!(paths(&version.tree), "b c c/d", "{plan:?}: {done:?}");
    assert_eq!(version.number, 3, "{plan:?}: nothing is committed twice");
    executions.park_all().await;
    assert_eq!(listed(&door(&open(&two, &faulty)).await), "b c c/d");
    broke
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_loses_nothing_and_commits_nothing_twice() {
    at_every_request(Plan::DownFrom, survive).await;
    at_every_request(Plan::LostAnswer, survive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_cut_off_is_done_again() {
    let (one, two, faulty) = two_machines();
    let executions = open(&one, &faulty);
    let run = bound(&executions).await;
    let command = "cd /workspace; mkdir d; for i in 1 2 3; do echo $i > d/$i; done; ln -s d/1 link";
    bash(&run, command).await;
    executions.sync_environment(ENV).await.unwrap();
    let mut at = 1;
    loop {
        let executions = open(&two, &faulty);
        faulty.plan(Plan::DownFrom(at));
        match executions.environment(ENV).await {
            Ok(_) => break,
            Err(error) => assert!(error.to_string().starts_with("cannot "), "{error}"),
        }
        at += 1;
        assert!(at < 20, "it never ends");
    }
    assert!(at > 3);
    faulty.plan(Plan::Well);
    let executions = open(&two, &faulty);
    assert_eq!(listed(&door(&executions).await), "d d/1 d/2 d/3 link");
    executions.sync_environment(ENV).await.unwrap();
    assert_eq!(latest(&executions).await.number, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_machines_each_gets_what_the_other_changed() {
    let (one, two, faulty) = two_machines();
    let (first, second) = (open(&one, &faulty), open(&two, &faulty));
    put(&door(&first).await, "both", "0");
    put(&door(&first).await, "gone", "0");
    first.sync_environment(ENV).await.unwrap();
    put(&door(&second).await, "second", "2");
    put(&door(&second).await, "both", "2");
    door(&second).await.remove("/workspace/gone").unwrap();
    second.sync_environment(ENV).await.unwrap();

    put(&door(&first).await, "first", "1");
    first.sync_environment(ENV).await.unwrap();
    let door = door(&first).await;
    assert_eq!(listed(&door), "both first second");
    assert_eq!(read(&door, "both"), "2");
    first.sync_environment(ENV).await.unwrap();
    assert_eq!(latest(&first).await.number, 3, "what was taken over is no change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_execution_leaves_what_it_changed() {
    let (one, _, faulty) = two_machines();
    let executions = open(&one, &faulty);
    let run = bound(&executions).await;
    bash(&run, "echo 1 > /workspace/kept").await;
    run.finish(done()).await.unwrap();
    let id = run.id().to_owned();
    drop(run);
    executions.remove(&id).await.unwrap();
    assert_eq!(paths(&latest(&executions).await.tree), "kept");
    assert_eq!(listed(&door(&executions).await), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_note_of_what_was_synced_stops_the_start_and_is_named() {
    let (one, _, faulty) = two_machines();
    let executions = open(&one, &faulty);
    put(&door(&executions).await, "a", "1");
    executions.sync_environment(ENV).await.unwrap();
    drop(executions);
    std::fs::write(one.path("environments/env_1/synced.json"), "{").unwrap();
    let executions = open(&one, &faulty);
    let error = executions.recover().await.unwrap_err().to_string();
    assert!(error.starts_with("environments/env_1/synced.json is damaged"), "{error}");
    assert!(executions.environment(ENV).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_environment_does_not_come_back() {
    let (one, two, faulty) = two_machines();
    let executions = open(&one, &faulty);
    put(&door(&executions).await, "a", "1");
    executions.sync_environment(ENV).await.unwrap();
    executions.remove_environment(ENV).await.unwrap();
    drop(executions);
    for state in [&one, &two] {
        let executions = open(state, &faulty);
        assert_eq!(listed(&door(&executions).await), "");
        assert_eq!(latest(&executions).await.number, 0);
    }
}
