//! The store failing, hanging and losing answers at every request.

use std::sync::Arc;

use tests::store::{Faulty, Plan, store};
use toolcell::execution::{ExecutionError, Executions, Status, StoreAddress};
use toolcell::persist::PersistError;

use crate::executions::{State, bash, done, start};

fn open(state: &State, faulty: &Arc<Faulty>) -> Executions {
    let mut options = state.options();
    options.store = StoreAddress::Given(store(faulty));
    state.open_with(options)
}

/// One run after another with a plan in force, and again without one where it did not end.
async fn survive(plan: Plan) -> bool {
    let (state, faulty) = (State::new(), Arc::new(Faulty::default()));
    let executions = open(&state, &faulty);
    let first = start(&executions).await;
    bash(&first, "echo 1 > shared/a; echo 1 > shared/b").await;
    first.finish(done()).await.unwrap();

    // What was seen is in memory: the next process has to ask for everything.
    executions.park_all().await;
    let executions = open(&state, &faulty);
    let run = start(&executions).await;
    bash(&run, "echo 22 > shared/a; rm shared/b; mkdir shared/c; echo 3 > shared/c/d").await;
    executions.park_all().await;
    let executions = open(&state, &faulty);
    let run = executions.get(run.id()).unwrap();

    faulty.plan(plan);
    let ended = run.finish(done()).await;
    let broke = faulty.broke();
    let latest = || async {
        let other = open(&state, &faulty);
        other.shared("agent").unwrap().latest().await.unwrap()
    };
    let paths = |version: &toolcell::persist::Version| {
        version.tree.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    faulty.plan(Plan::Well);
    if let Err(error) = ended {
        assert!(
            matches!(&error, ExecutionError::Persist(error) if error.is_transient()),
            "{error}"
        );
        // Either all of it is there or nothing.
        let version = latest().await;
        match version.number {
            1 => assert_eq!(paths(&version), "a b"),
            _ => assert_eq!(paths(&version), "a c c/d"),
        }
        // The next process ends it.
        drop(run);
        executions.park_all().await;
        let recovered = open(&state, &faulty).recover().await.unwrap();
        assert_eq!(recovered.finished.len(), 1, "{recovered:?}");
    } else {
        assert_eq!(run.record().status, Status::Completed);
    }
    let version = latest().await;
    assert_eq!((version.number, paths(&version)), (2, "a c c/d".to_owned()), "{plan:?}");
    broke
}

/// Tries a fault at the first request, the second and so on, until there is none to fail.
pub(crate) async fn at_every_request(
    plan: impl Fn(usize) -> Plan,
    survive: impl AsyncFn(Plan) -> bool,
) {
    let mut at = 1;
    while survive(plan(at)).await {
        at += 1;
        assert!(at < 50, "it never ends");
    }
    assert!(at > 3, "nothing was asked of the store");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_the_store_goes_down() {
    at_every_request(Plan::DownFrom, survive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_twice_when_an_answer_is_lost() {
    at_every_request(Plan::LostAnswer, survive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_is_asked_again() {
    at_every_request(Plan::Hangs, survive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_cut_off_is_none_and_is_made_again() {
    let (state, faulty) = (State::new(), Arc::new(Faulty::default()));
    let executions = open(&state, &faulty);
    let run = start(&executions).await;
    bash(&run, "echo 1 > workspace/a").await;
    run.finish(done()).await.unwrap();
    let id = run.id().to_owned();
    drop(run);
    let mut at = 1;
    loop {
        faulty.plan(Plan::DownFrom(at));
        let removed = executions.remove(&id).await;
        faulty.plan(Plan::Well);
        if removed.is_ok() {
            break;
        }
        assert!(executions.get(&id).is_ok(), "what is not archived stays");
        let archived = executions.archived(&id).await;
        assert!(matches!(archived, Err(ExecutionError::NotFound(_))), "{archived:?}");
        at += 1;
        assert!(at < 20, "it never ends");
    }
    assert!(at > 3);
    assert_eq!(executions.archived(&id).await.unwrap().files.len(), 1);
}

#[tokio::test]
async fn one_small_change_in_a_large_tree_is_a_small_upload() {
    let (state, faulty) = (State::new(), Arc::new(Faulty::default()));
    let executions = open(&state, &faulty);
    let first = start(&executions).await;
    let fill = "cd shared; for d in {1..20}; do mkdir $d; for f in {1..20}; do head -c 100000 /dev/urandom > $d/$f; done; done";
    bash(&first, fill).await;
    first.finish(done()).await.unwrap();
    executions.park_all().await;

    let executions = open(&state, &faulty);
    let run = start(&executions).await;
    bash(&run, "head -c 1024 /dev/urandom > shared/7/7").await;
    faulty.plan(Plan::Well);
    run.finish(done()).await.unwrap();
    let (requests, bytes) = faulty.used();
    assert!(requests <= 4 && bytes <= 10_000, "{requests} requests, {bytes} bytes");
}

#[tokio::test]
async fn a_missing_or_damaged_blob_stops_the_start_and_is_named() {
    use object_store::path::Path;
    use object_store::{ObjectStore as _, ObjectStoreExt as _};
    let (state, faulty) = (State::new(), Arc::new(Faulty::default()));
    let executions = open(&state, &faulty);
    let run = start(&executions).await;
    bash(&run, "echo precious > shared/a").await;
    run.finish(done()).await.unwrap();
    let hash = blake3(b"precious\n");
    let blob = Path::from(format!("blobs/{}/{hash}", &hash[..2]));
    let refused = |executions: Executions| async move {
        let request =
            toolcell::execution::StartRequest { agent: "agent".into(), ..Default::default() };
        let error = executions.start(request).await.unwrap_err();
        // Nothing is left of it.
        assert_eq!(executions.list().unwrap().len(), 1);
        error
    };
    let fresh = || {
        // The cache of blobs is not asked: it would know better.
        let _ = std::fs::remove_dir_all(state.options().directory.join("blobs"));
        open(&state, &faulty)
    };

    faulty.put_opts(&blob, "wrong".into(), Default::default()).await.unwrap();
    let error = refused(fresh()).await;
    assert!(matches!(&error, ExecutionError::Persist(PersistError::Corrupt { .. })), "{error}");
    assert!(error.to_string().contains(&hash), "{error}");
    faulty.delete(&blob).await.unwrap();
    let error = refused(fresh()).await;
    assert!(matches!(&error, ExecutionError::Persist(PersistError::Missing { .. })), "{error}");
    assert!(error.to_string().contains(&hash) && error.to_string().contains("for a)"), "{error}");
    faulty.put_opts(&blob, "precious\n".into(), Default::default()).await.unwrap();
    assert_eq!(bash(&*start(&fresh()).await, "cat shared/a").await, "precious");
}

fn blake3(content: &[u8]) -> String {
    toolcell::persist::hash_of(content)
}
