//! Executions through the library: what outlives them, what is announced, how they end.

use std::sync::Arc;

use serde_json::{Value, json};
use toolcell::execution::{
    Ending, Execution, ExecutionError, Executions, ExecutionsOptions, Saved, StartRequest, Status,
};
use toolcell::journal::Reader;
use toolcell::persist::{Keep, Pruned};
use toolcell::{FileUploader, OutgoingFile, RegionOption, ToolCall, ToolResult};

/// A state directory.
pub(crate) struct State(tempfile::TempDir);

impl State {
    pub(crate) fn new() -> State {
        State(tempfile::tempdir().unwrap())
    }

    pub(crate) fn options(&self) -> ExecutionsOptions {
        ExecutionsOptions::new(self.0.path())
    }

    pub(crate) fn path(&self, below: &str) -> std::path::PathBuf {
        self.0.path().join(below)
    }

    pub(crate) fn open(&self) -> Executions {
        self.open_with(self.options())
    }

    pub(crate) fn open_with(&self, options: ExecutionsOptions) -> Executions {
        Executions::open(tests::runtime(), options).unwrap()
    }
}

pub(crate) async fn start(executions: &Executions) -> Arc<Execution> {
    let request = StartRequest { agent: "agent".to_owned(), ..StartRequest::default() };
    executions.start(request).await.unwrap()
}

pub(crate) async fn call(execution: &Execution, tool: &str, input: Value) -> ToolResult {
    execution.call(ToolCall::new("1", tool, input)).await
}

pub(crate) async fn bash(execution: &Execution, command: &str) -> String {
    let result = call(execution, "Bash", json!({ "command": command })).await;
    assert!(!result.is_error(), "{command}: {}", result.text());
    result.outcome.unwrap()["stdout"].as_str().unwrap().trim_end().to_owned()
}

pub(crate) fn done() -> Ending {
    Ending::completed("success", "", Value::Null)
}

#[tokio::test]
async fn f4_f5_f6_f7_what_one_run_learns_the_next_one_knows() {
    let state = State::new();
    let executions = state.open();
    let first = start(&executions).await;
    bash(
        &first,
        "mkdir -p shared/a/b shared/none; printf 'echo one\\n' > shared/a/go; chmod +x shared/a/go
         printf '\\0\\377' > shared/a/b/bin; touch shared/nothing; ln -s a/go shared/link
         echo secret > workspace/mine",
    )
    .await;
    first.finish(done()).await.unwrap();

    let second = start(&executions).await;
    assert_eq!(bash(&second, "shared/link; ls workspace").await, "one");
    assert_eq!(
        bash(&second, "od -An -tx1 shared/a/b/bin; ls shared").await,
        " 00 ff\na\nlink\nnone\nnothing"
    );
    bash(&second, "echo 'echo two' >> shared/a/go; rm shared/nothing; rmdir shared/none").await;
    second.finish(Ending::failed("it broke")).await.unwrap();

    // In another process, and after a run that failed.
    executions.park_all().await;
    drop((first, second, executions));
    let executions = state.open();
    let third = start(&executions).await;
    assert_eq!(bash(&third, "shared/a/go; ls shared").await, "one\ntwo\na\nlink");
    bash(&third, "mv shared/a shared/z; echo new > shared/z/b/more").await;
    third.finish(Ending::cancelled()).await.unwrap();
    let fourth = start(&executions).await;
    assert_eq!(
        bash(&fourth, "cd shared; find . | sort").await,
        ".\n./link\n./z\n./z/b\n./z/b/bin\n./z/b/more\n./z/go"
    );
}

#[tokio::test]
async fn a_run_that_changes_nothing_makes_no_version() {
    let state = State::new();
    let executions = state.open();
    let run = start(&executions).await;
    bash(&run, "echo x > workspace/x; echo y > shared/y; rm shared/y").await;
    let record = run.finish(done()).await.unwrap();
    assert!(matches!(record.saved, Some(Saved::Done { version: 0, written: 0, .. })));
}

#[tokio::test]
async fn q16_of_two_runs_at_once_each_keeps_what_it_changed() {
    let state = State::new();
    let executions = state.open();
    let first = start(&executions).await;
    bash(&first, "echo 0 > shared/both; echo 0 > shared/one; echo 0 > shared/two").await;
    first.finish(done()).await.unwrap();

    let (one, two) = (start(&executions).await, start(&executions).await);
    bash(&one, "echo 1 > shared/one; echo 1 > shared/both").await;
    bash(&two, "echo 2 > shared/two; echo 2 > shared/both; rm shared/one; echo 2 > shared/one")
        .await;
    one.finish(done()).await.unwrap();
    let record = two.finish(done()).await.unwrap();

    let after = start(&executions).await;
    assert_eq!(bash(&after, "cd shared; cat both one two").await, "2\n2\n2");
    let Some(Saved::Done { overwrote, version: 3, .. }) = record.saved else {
        panic!("{:?}", record.saved)
    };
    assert_eq!(overwrote.into_iter().collect::<Vec<_>>(), [("both".into(), 2), ("one".into(), 2)]);
    let lost = executions.shared("agent").unwrap().versions().load(2).await.unwrap();
    assert_eq!(lost.tree["both"].file().unwrap().size, 2);
}

#[tokio::test]
async fn frozen_files_are_never_written_back() {
    let state = State::new();
    let executions = state.open();
    let first = start(&executions).await;
    bash(&first, "echo keep > shared/frozen; echo keep > shared/free").await;
    first.finish(done()).await.unwrap();
    let shared = executions.shared("agent").unwrap();
    let id = shared.latest().await.unwrap().tree["frozen"].id.clone();
    shared.freeze(&id, true).await.unwrap();

    let second = start(&executions).await;
    bash(&second, "echo mine > shared/frozen; rm shared/free").await;
    let record = second.finish(done()).await.unwrap();
    assert!(matches!(record.saved, Some(Saved::Done { ref frozen, .. }) if frozen == &["frozen"]));
    let third = start(&executions).await;
    assert_eq!(bash(&third, "cat shared/frozen; ls shared").await, "keep\nfrozen");
}

#[tokio::test]
async fn a_mapped_shared_directory_is_the_hosts_own_affair() {
    let state = State::new();
    let run = start(&state.open()).await;
    bash(&run, "echo old > shared/old").await;
    run.finish(done()).await.unwrap();

    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mine"), "mine").unwrap();
    let mut options = state.options();
    let access = toolcell::policy::Access::ReadWrite;
    options.cell.regions.push(RegionOption::mapped("shared", directory.path(), access));
    let executions = state.open_with(options);
    let run = start(&executions).await;
    assert_eq!(bash(&run, "ls shared; echo new > shared/new").await, "mine");
    let record = run.finish(done()).await.unwrap();
    assert!(matches!(record.saved, Some(Saved::Done { written: 0, .. })), "{:?}", record.saved);
    let latest = executions.shared("agent").unwrap().latest().await.unwrap();
    assert_eq!(latest.tree.keys().collect::<Vec<_>>(), ["old"]);
    assert!(directory.path().join("new").exists());
}

#[tokio::test]
async fn q17_what_does_not_fit_together_is_refused_as_a_whole() {
    let state = State::new();
    let mut options = state.options();
    let region = RegionOption { quota_bytes: Some(10), ..RegionOption::new("shared") };
    options.cell.regions.push(region);
    let executions = state.open_with(options);
    let (one, two) = (start(&executions).await, start(&executions).await);
    let full = call(&one, "Bash", json!({ "command": "echo 0123456789 > shared/much" })).await;
    assert!(full.text().contains("Disk quota exceeded"), "{}", full.text());
    bash(&one, "rm -f shared/much; printf 123456 > shared/one").await;
    bash(&two, "printf 123456 > shared/two").await;
    one.finish(done()).await.unwrap();
    let record = two.finish(done()).await.unwrap();
    assert!(matches!(record.saved, Some(Saved::Refused { .. })), "{:?}", record.saved);
    assert_eq!(record.status, Status::Completed);
    let latest = executions.shared("agent").unwrap().latest().await.unwrap();
    assert_eq!(latest.tree.keys().collect::<Vec<_>>(), ["one"]);
}

#[tokio::test]
async fn an_earlier_version_can_be_had_again() {
    let state = State::new();
    let executions = state.open();
    for text in ["one", "two"] {
        let run = start(&executions).await;
        bash(&run, &format!("echo {text} > shared/x; echo {text} > shared/{text}")).await;
        run.finish(done()).await.unwrap();
    }
    let shared = executions.shared("agent").unwrap();
    assert_eq!(shared.restore(1).await.unwrap().number, 3);
    assert_eq!(bash(&*start(&executions).await, "cat shared/*").await, "one\none");
    let error = shared.restore(9).await.unwrap_err().to_string();
    assert!(error.contains("no version 9") && error.contains("latest is 3"), "{error}");
}

#[tokio::test]
async fn f19_f20_staged_files_are_attached_until_they_expire() {
    let state = State::new();
    let stage = |executions: &Executions, name: &str, text: &str| {
        let mut staging = executions.staged().begin(name, None).unwrap();
        staging.write(text.as_bytes()).unwrap();
        staging.finish().unwrap().id
    };
    let executions = state.open();
    let ids = vec![
        stage(&executions, "a.txt", "first"),
        stage(&executions, "b.txt", "b"),
        stage(&executions, "a.txt", "second"),
    ];
    let request = |staged: &[String]| StartRequest {
        agent: "agent".into(),
        staged: staged.to_vec(),
        ..StartRequest::default()
    };
    for _ in 0..2 {
        let run = executions.start(request(&ids)).await.unwrap();
        assert_eq!(bash(&run, "cd uploads; ls; cat a.txt").await, "a.txt\nb.txt\nsecond");
    }
    let unknown = "11111111-1111-4111-8111-000000000000".to_owned();
    let before = executions.list().unwrap().len();
    let refused = executions.start(request(&[ids[0].clone(), unknown])).await;
    assert!(matches!(refused, Err(ExecutionError::Staged(_))));
    assert_eq!(executions.list().unwrap().len(), before);

    // In no time they have expired, and are gone from the disk.
    let mut options = state.options();
    options.staged_lifetime = std::time::Duration::ZERO;
    executions.park_all().await;
    let executions = state.open_with(options);
    let refused = executions.start(request(&ids)).await;
    assert!(matches!(refused, Err(ExecutionError::Staged(_))));
    assert_eq!(executions.recover().await.unwrap().expired, 3);
    assert_eq!(std::fs::read_dir(state.0.path().join("staged")).unwrap().count(), 0);
}

#[tokio::test]
async fn f13_f14_a_new_file_is_announced_once_when_it_is_complete() {
    let state = State::new();
    let executions = state.open();
    let run = start(&executions).await;
    let id = run.id().to_owned();
    let announced = |result: &ToolResult| -> Vec<String> {
        result.new_files.iter().map(|file| file.path.clone()).collect()
    };
    let quiet = call(&run, "Bash", json!({ "command": "echo a > workspace/a; echo b > shared/b" }));
    assert_eq!(announced(&quiet.await), [""; 0]);
    let loud = call(
        &run,
        "Bash",
        json!({ "command": "cp workspace/a downloads/a; echo x > uploads/x; mkdir downloads/d" }),
    );
    let loud = loud.await;
    assert_eq!(announced(&loud), ["/home/agent/downloads/a", "/home/agent/uploads/x"]);
    assert!(loud.text().contains(
        "<system-reminder>A new file was downloaded: /home/agent/downloads/a (2 bytes, \
         application/octet-stream).</system-reminder>"
    ));
    assert_eq!(
        announced(&call(&run, "Bash", json!({ "command": "cat downloads/a" })).await),
        [""; 0]
    );

    // What arrives by a door is announced when it has its name, and again when it is replaced.
    let open = run.open_door("download", "r").await.unwrap();
    let mut incoming = open.door.receive("downloads").unwrap();
    incoming.write(b"half").unwrap();
    let during = call(&run, "Bash", json!({ "command": "ls -A /home/agent/downloads" })).await;
    assert_eq!(announced(&during), [""; 0]);
    assert!(during.text().starts_with("a\nd"), "{}", during.text());
    let received = incoming.publish("/home/agent/downloads/r.txt", true).unwrap();
    open.done(&[received]).unwrap();

    // A restart neither repeats nor forgets.
    drop(run);
    executions.park_all().await;
    drop(executions);
    let executions = state.open();
    let run = executions.get(&id).unwrap();
    assert_eq!(
        announced(&call(&run, "Bash", json!({ "command": ":" })).await),
        ["/home/agent/downloads/r.txt"]
    );
    assert_eq!(announced(&call(&run, "Bash", json!({ "command": ":" })).await), [""; 0]);
    let files = run
        .activities()
        .unwrap()
        .into_iter()
        .filter(|one| one.payload["activityType"] == "file_added");
    let names: Vec<_> =
        files.map(|one| one.payload["fileName"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["a", "x", "r.txt"]);
}

#[tokio::test]
async fn a_process_that_vanishes_neither_repeats_nor_forgets_a_file() {
    let state = State::new();
    let executions = state.open();
    let run = start(&executions).await;
    let id = run.id().to_owned();
    bash(&run, "echo 1 > downloads/told").await;
    let open = run.open_door("download", "r").await.unwrap();
    let mut incoming = open.door.receive("downloads").unwrap();
    incoming.write(b"x").unwrap();
    incoming.publish("/home/agent/downloads/untold", true).unwrap();
    open.door.flush().unwrap();
    drop(open);
    // Nothing is closed: what was in memory is lost.
    drop((run, executions));
    let executions = state.open();
    let run = executions.get(&id).unwrap();
    let result = call(&run, "Bash", json!({ "command": ":" })).await;
    let names: Vec<&str> = result.new_files.iter().map(toolcell::NewFile::name).collect();
    assert_eq!(names, ["untold"]);
}

#[tokio::test]
async fn x6_a_paused_execution_refuses_calls_and_an_ended_one_everything() {
    let state = State::new();
    let executions = state.open();
    let run = start(&executions).await;
    let code = |result: ToolResult| result.outcome.unwrap_err().code;
    run.pause().unwrap();
    assert_eq!(code(call(&run, "Bash", json!({ "command": ":" })).await), "execution_paused");
    run.resume().unwrap();
    assert_eq!(bash(&run, "echo on").await, "on");
    let record = run.finish(Ending::completed("success", "why", json!({ "n": 1 }))).await.unwrap();
    assert_eq!(record.result.unwrap().result, json!({ "n": 1 }));
    assert_eq!(code(call(&run, "Bash", json!({ "command": ":" })).await), "execution_ended");
    assert!(matches!(run.pause(), Err(ExecutionError::Ended { .. })));
    assert!(matches!(run.resume(), Err(ExecutionError::Ended { .. })));
    assert!(matches!(run.finish(done()).await, Err(ExecutionError::Ended { .. })));
    assert!(matches!(run.open_door("upload", "").await, Err(ExecutionError::Ended { .. })));
    assert!(matches!(executions.get("nobody"), Err(ExecutionError::NotFound(_))));
    assert!(matches!(executions.get("../x"), Err(ExecutionError::NotFound(_))));
}

#[tokio::test]
async fn an_execution_that_has_ended_can_be_removed_and_leaves_what_it_shared() {
    let state = State::new();
    let executions = state.open();
    let run = start(&executions).await;
    bash(&run, "echo kept > shared/kept").await;
    let early = executions.remove(run.id()).await;
    assert!(matches!(early, Err(ExecutionError::Status { .. })), "{early:?}");
    run.finish(done()).await.unwrap();
    executions.remove(run.id()).await.unwrap();
    assert!(matches!(executions.get(run.id()), Err(ExecutionError::NotFound(_))));
    assert!(!state.0.path().join("executions").join(run.id()).exists());
    assert_eq!(bash(&*start(&executions).await, "cat shared/kept").await, "kept");
}

#[tokio::test]
async fn the_end_ends_calls_that_run() {
    let state = State::new();
    let executions = state.open();
    let run = start(&executions).await;
    bash(&run, "echo kept > shared/kept").await;
    let endless = tokio::spawn({
        let run = run.clone();
        async move { call(&run, "Bash", json!({ "command": "echo in > shared/in; sleep 1000" })).await }
    });
    while run
        .activities()
        .unwrap()
        .iter()
        .filter(|one| one.payload["activityType"] == "action_started")
        .count()
        < 2
    {
        tokio::task::yield_now().await;
    }
    let record = run.finish(Ending::cancelled()).await.unwrap();
    assert_eq!(record.status, Status::Cancelled);
    assert_eq!(endless.await.unwrap().outcome.unwrap_err().code, "execution_ended");
    let latest = executions.shared("agent").unwrap().latest().await.unwrap();
    assert!(latest.tree.contains_key("kept"));
}

/// What was handed over.
#[derive(Debug, Default)]
struct Taken(std::sync::Mutex<Vec<(String, String, Vec<u8>)>>);

#[async_trait::async_trait]
impl FileUploader for Taken {
    async fn upload(&self, file: OutgoingFile) -> Result<String, String> {
        if file.name == "no.txt" {
            return Err("The page takes no such file.".to_owned());
        }
        let content = file.content.read(0, file.size).unwrap();
        self.0.lock().unwrap().push((file.name, file.mime_type, content));
        Ok("The page has it.".to_owned())
    }
}

#[tokio::test]
async fn f29_f30_the_upload_tool_hands_over_files_of_the_regions_alone() {
    let state = State::new();
    let taken = Arc::new(Taken::default());
    let mut options = state.options();
    options.cell.uploader = Some(taken.clone());
    let executions = state.open_with(options);
    let run = start(&executions).await;
    bash(&run, "echo 1 > downloads/a.csv; echo 2 > workspace/no.txt; ln -s /etc/passwd shared/l; ln -s ../../.. shared/up").await;
    let upload = |paths: Value| call(&run, "UploadFile", json!({ "file_paths": paths }));
    let result = upload(json!(["downloads/a.csv", "/home/agent/downloads/a.csv"])).await;
    assert!(!result.is_error(), "{}", result.text());
    let expected = ("a.csv".to_owned(), "text/csv".to_owned(), b"1\n".to_vec());
    assert_eq!(*taken.0.lock().unwrap(), [expected.clone(), expected]);
    for (paths, code) in [
        (json!(["a.csv"]), "path_not_allowed"),
        (json!(["/etc/passwd"]), "path_not_allowed"),
        (json!(["downloads/../../x"]), "path_not_allowed"),
        (json!(["downloads/missing"]), "not_found"),
        (json!(["shared/l"]), "not_found"),
        (json!(["shared/up/etc/passwd"]), "not_found"),
        (json!(["downloads"]), "path_not_allowed"),
        (json!(["workspace/no.txt"]), "upload_refused"),
        (json!([]), "invalid_params"),
    ] {
        let result = upload(paths.clone()).await;
        assert_eq!(result.outcome.unwrap_err().code, code, "{paths}");
    }
}

#[tokio::test]
async fn what_was_cut_off_at_its_start_is_gone_and_at_its_end_is_finished() {
    let state = State::new();
    let executions = state.open();
    let run = start(&executions).await;
    let id = run.id().to_owned();
    bash(&run, "echo here > shared/here").await;
    drop((run, executions));
    let file = state.0.path().join("executions").join(&id).join("execution.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    record["ending"] = json!({ "status": "completed", "outcome": "success" });
    std::fs::write(&file, record.to_string()).unwrap();
    let starting = state.0.path().join("executions/starting");
    std::fs::create_dir(&starting).unwrap();
    record["status"] = json!("starting");
    std::fs::write(starting.join("execution.json"), record.to_string()).unwrap();
    std::fs::write(state.0.path().join("live/starting"), "").unwrap();

    let executions = state.open();
    let recovered = executions.recover().await.unwrap();
    assert_eq!(
        (&recovered.finished, &recovered.discarded),
        (&vec![id.clone()], &vec!["starting".into()])
    );
    assert_eq!(executions.get(&id).unwrap().record().status, Status::Completed);
    assert!(!starting.exists());
    assert_eq!(bash(&*start(&executions).await, "cat shared/here").await, "here");
    assert!(executions.recover().await.unwrap().is_silent());

    std::fs::write(&file, "{").unwrap();
    let error = state.open().get(&id).unwrap_err().to_string();
    assert!(error.contains("execution.json is damaged"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_of_a_removed_execution_is_in_the_store() {
    let state = State::new();
    let executions = state.open();
    let run = start(&executions).await;
    bash(&run, "echo 1 > workspace/a; mkdir downloads/d; echo 22 > downloads/d/b").await;
    let early = executions.remove(run.id()).await.unwrap_err();
    assert!(early.to_string().contains("before it has ended"), "{early}");
    let none = executions.archived(run.id()).await.unwrap_err();
    assert!(matches!(none, ExecutionError::NotFound(_)), "{none}");
    run.finish(done()).await.unwrap();
    let (id, activities) = (run.id().to_owned(), run.activities().unwrap());
    let records = run.cell().await.unwrap().journal().next_seq() - 1;
    drop(run);
    executions.remove(&id).await.unwrap();

    assert!(matches!(executions.get(&id), Err(ExecutionError::NotFound(_))));
    let kept = executions.archived(&id).await.unwrap();
    assert_eq!(kept.record.status, Status::Completed);
    assert_eq!(kept.activities, activities);
    let files: Vec<_> = kept.files.iter().map(|file| (file.path.as_str(), file.size)).collect();
    assert_eq!(files, [("/home/agent/workspace/a", 2), ("/home/agent/downloads/d/b", 3)]);
    let journal = executions.archived_journal(&id, Reader::default()).await.unwrap();
    assert_eq!(journal.records().len() as u64, records);
    assert!(journal.records().iter().any(|record| record.path.as_str().ends_with("d/b")));
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_executions_are_archived_once_and_removed_when_they_are_old() {
    let state = State::new();
    let executions = state.open();
    let (ended, live) = (start(&executions).await, start(&executions).await);
    ended.finish(done()).await.unwrap();
    executions.archive_ended().await.unwrap();
    assert!(ended.record().archived && !live.record().archived);
    let object = state.path("store/executions").join(ended.id()).join("execution.json");
    std::fs::remove_file(&object).unwrap();
    executions.archive_ended().await.unwrap();
    assert!(!object.exists(), "it is not done again");

    let id = ended.id().to_owned();
    drop(ended);
    executions.remove_older(std::time::Duration::from_secs(3_600)).await.unwrap();
    assert!(executions.get(&id).is_ok());
    executions.remove_older(std::time::Duration::ZERO).await.unwrap();
    assert!(executions.get(&id).is_err());
    assert!(executions.get(live.id()).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_go_and_with_them_what_only_they_have() {
    let state = State::new();
    let executions = state.open();
    let runs =
        ["echo 1 > shared/x", "echo 2 > shared/x; echo same > shared/y", "echo 3 > shared/x"];
    for command in runs {
        let run = start(&executions).await;
        bash(&run, command).await;
        run.finish(done()).await.unwrap();
    }
    let blobs = || {
        let folders = std::fs::read_dir(state.path("store/blobs")).unwrap();
        let count = |folder: std::fs::DirEntry| std::fs::read_dir(folder.path()).unwrap().count();
        folders.map(|folder| count(folder.unwrap())).sum::<usize>()
    };
    let shared = executions.shared("agent").unwrap();
    let now = std::time::Duration::ZERO;
    let keep = Keep { versions: 1, age: now, grace: now };
    let before = blobs();

    // What is young stays, whether it is of use or not.
    let young = Keep { age: Keep::default().age, ..keep };
    assert_eq!(executions.prune(young, false).await.unwrap(), Pruned::default());
    let dry = executions.prune(keep, true).await.unwrap();
    assert_eq!((dry.versions.len(), dry.blobs), (2, 2));
    assert_eq!((blobs(), shared.versions().numbers().await.unwrap().len()), (before, 3));

    assert_eq!(executions.prune(keep, false).await.unwrap(), dry);
    assert_eq!(shared.versions().numbers().await.unwrap(), [3]);
    assert_eq!(blobs(), before - 2);
    let run = start(&executions).await;
    assert_eq!(bash(&run, "cat shared/x shared/y").await, "3\nsame");

    // The version that a live execution began with stays until it has ended.
    let other = start(&executions).await;
    bash(&other, "echo 4 > shared/x").await;
    other.finish(done()).await.unwrap();
    assert_eq!(executions.prune(keep, false).await.unwrap().versions, []);
    bash(&run, "echo 5 > shared/z").await;
    run.finish(done()).await.unwrap();
    assert_eq!(executions.prune(keep, false).await.unwrap().versions.len(), 2);
    let latest = shared.latest().await.unwrap();
    assert_eq!(latest.tree.keys().collect::<Vec<_>>(), ["x", "y", "z"]);

    // Nothing goes while a version that stays cannot be read.
    let version = state.path("store/agents/agent/shared/versions/0000000005.json");
    std::fs::write(&version, "{").unwrap();
    let before = blobs();
    let error = state.open().prune(keep, false).await.unwrap_err().to_string();
    assert!(error.contains("0000000005.json is damaged"), "{error}");
    assert_eq!(blobs(), before);
}
