//! The server over HTTP: the contract where the vendors' clients do not show it, refusals above all.

use std::collections::HashSet;
use std::net::SocketAddr;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use toolcell::execution::ExecutionsOptions;
use toolcell::server::{AgentConfig, Config, EnvironmentConfig, Key, Limits, Organization, Server};

const ORGANIZATION: &str = "11111111-1111-4111-8111-111111111111";
const AGENT: &str = "22222222-2222-4222-8222-222222222222";
const BOUND: &str = "33333333-3333-4333-8333-333333333333";
const KEY: &str = "tc_test";
const OTHER: &str = "tc_other";

/// A server in this process.
struct Running {
    directory: tempfile::TempDir,
    limits: Limits,
    address: SocketAddr,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

fn config(limits: Limits) -> Config {
    let organization = |id: &str| Organization { id: id.into(), name: "name".into() };
    let key = |name: &str, organization: &str, key: &str| Key {
        name: name.into(),
        organization: organization.into(),
        hash: toolcell::persist::hash_of(key.as_bytes()),
    };
    let environment = |id: &str, organization: &str| EnvironmentConfig {
        id: id.into(),
        name: id.into(),
        organization: organization.into(),
    };
    let agent = |id: &str, environment: Option<&str>| AgentConfig {
        id: id.into(),
        name: "agent".into(),
        organization: ORGANIZATION.into(),
        environment: environment.map(str::to_owned),
    };
    let mut config = Config {
        limits,
        organization: vec![organization(ORGANIZATION), organization("other")],
        key: vec![key("one", ORGANIZATION, KEY), key("two", "other", OTHER)],
        environment: vec![
            environment("env_a", ORGANIZATION),
            environment("env_b", ORGANIZATION),
            environment("env_other", "other"),
        ],
        agent: vec![agent(AGENT, None), agent(BOUND, Some("env_a"))],
        ..Config::default()
    };
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config
}

impl Running {
    async fn new(limits: Limits) -> Running {
        // The client wants one, though it speaks no TLS here.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut running = Running {
            directory: tempfile::tempdir().unwrap(),
            limits,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            client: Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
            stop: None,
            task: None,
        };
        running.start().await;
        running
    }

    async fn start(&mut self) {
        let options = ExecutionsOptions::new(self.directory.path());
        let config = config(self.limits.clone());
        let server = Server::bind(tests::runtime(), options, &config).await.unwrap();
        self.address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        self.stop = Some(stop);
        self.task = Some(tokio::spawn(server.run(async {
            let _ = stopped.await;
        })));
    }

    async fn stop(&mut self) {
        drop(self.stop.take());
        self.task.take().unwrap().await.unwrap();
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn ask(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, self.url(path)).bearer_auth(KEY)
    }

    async fn execution(&self, agent: &str) -> String {
        let answer = self.ask("POST", &format!("/agents/v2/agents/{agent}/execute")).send().await;
        let answer = json(answer.unwrap(), 202).await;
        answer["executionId"].as_str().unwrap().to_owned()
    }

    async fn bash(&self, execution: &str, command: &str) -> Value {
        let path = format!("/toolcell/v1/executions/{execution}/tools/Bash");
        let answer = self.ask("POST", &path).json(&json!({ "command": command })).send().await;
        json(answer.unwrap(), 200).await
    }

    async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        let path = format!("/v1/environments/env_a/files/{path}");
        let request = self.ask("PUT", &path).header("content-type", "text/plain");
        request.body(body).send().await.unwrap()
    }

    /// One request as bytes, and the first line of the answer.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..length]).lines().next().unwrap_or_default().to_owned()
    }
}

async fn json(answer: Response, status: u16) -> Value {
    let found = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn text(answer: Response, status: u16) -> String {
    let found = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    text
}

#[tokio::test]
async fn q1_q41_a_key_opens_its_own_organization_and_nothing_else() {
    let server = Running::new(Limits::default()).await;
    let run = server.execution(AGENT).await;
    let routes = [
        ("GET", format!("/agents/v2/executions/{run}")),
        ("GET", format!("/agents/v2/executions/{run}/context-files")),
        ("GET", format!("/agents/v2/agents/{AGENT}/shared-files")),
        ("GET", format!("/api/v1/execution/{run}/status")),
        ("GET", "/v1/environments/env_a/files".to_owned()),
        ("PUT", "/v1/environments/env_a/files/x".to_owned()),
        ("GET", format!("/toolcell/v1/executions/{run}/journal")),
        ("POST", format!("/toolcell/v1/executions/{run}/finish")),
    ];
    for (method, path) in &routes {
        let request = |headers: &[(&str, &str)]| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = server.client.request(method, server.url(path));
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
        };
        let status =
            async |request: RequestBuilder| request.send().await.unwrap().status().as_u16();
        assert_eq!(status(request(&[])).await, 401, "{path}");
        assert_eq!(status(request(&[("x-api-key", "tc_wrong")])).await, 401, "{path}");
        assert_eq!(
            status(request(&[("authorization", "Basic dGNfdGVzdA==")])).await,
            401,
            "{path}"
        );
        assert_eq!(status(request(&[("x-api-key", OTHER)])).await, 404, "{path}");
        if *method == "GET" {
            for header in ["x-api-key", "X-Asteroid-Agents-Api-Key"] {
                assert_eq!(status(request(&[(header, KEY)])).await, 200, "{path}");
            }
        }
    }
    let staged = server.ask("POST", "/agents/v2/temp-files/other");
    let form = reqwest::multipart::Form::new().text("x", "y");
    let answer = staged.multipart(form).send().await.unwrap();
    assert_eq!(text(answer, 403).await, "User is not a member of the organization.");
}

#[tokio::test]
async fn d12_q38_a_file_goes_out_whole_in_ranges_and_not_at_all_when_it_is_known() {
    let server = Running::new(Limits::default()).await;
    server.put("d%C3%B6k%20%22x%22.txt", "0123456789").await;
    let path = "/v1/environments/env_a/files/d%C3%B6k%20%22x%22.txt";
    let get = |name: &'static str, value: &str| {
        server.ask("GET", path).header(name, value.to_owned()).send()
    };
    let whole = server.ask("GET", &format!("{path}?download=true")).send().await.unwrap();
    let header = |answer: &Response, name: &str| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    assert_eq!(header(&whole, "content-type"), "text/plain");
    assert_eq!(header(&whole, "content-length"), "10");
    assert_eq!(
        header(&whole, "content-disposition"),
        "attachment; filename=\"d_k _x_.txt\"; filename*=UTF-8''d%C3%B6k%20%22x%22.txt"
    );
    let etag = header(&whole, "etag");
    assert_eq!(text(whole, 200).await, "0123456789");

    let part = get("range", "bytes=2-4").await.unwrap();
    assert_eq!(header(&part, "content-range"), "bytes 2-4/10");
    assert_eq!(text(part, 206).await, "234");
    assert_eq!(text(get("range", "bytes=-2").await.unwrap(), 206).await, "89");
    let outside = get("range", "bytes=10-").await.unwrap();
    assert_eq!(
        (outside.status().as_u16(), header(&outside, "content-range")),
        (416, "bytes */10".into())
    );
    assert_eq!(get("if-none-match", &etag).await.unwrap().status(), 304);
    assert_eq!(get("if-none-match", "\"other\"").await.unwrap().status(), 200);
    let head = server.ask("HEAD", path).send().await.unwrap();
    assert_eq!(
        (header(&head, "content-length"), header(&head, "etag")),
        ("10".into(), etag.clone())
    );
    assert_eq!(text(head, 200).await, "");
    server.put("d%C3%B6k%20%22x%22.txt", "changed").await;
    assert_ne!(header(&get("range", "bytes=0-0").await.unwrap(), "etag"), etag);
}

#[tokio::test]
async fn d26_to_d33_what_cannot_be_put_is_refused_and_changes_nothing() {
    let limits = Limits {
        file_bytes: 1_000,
        bulk_bytes: 1_500,
        environment_bytes: 2_000,
        ..Limits::default()
    };
    let server = Running::new(limits).await;
    assert_eq!(server.put("dir/file", "x").await.status(), 200);
    for (path, status, code) in [
        ("dir", 409, "IS_A_DIRECTORY"),
        ("dir/file/below", 409, "NOT_A_DIRECTORY"),
        ("dir/file?overwrite=false", 409, "ALREADY_EXISTS"),
        ("dir/file?overwrite=maybe", 400, "INVALID_REQUEST"),
        ("..%2Fx", 400, "INVALID_PATH"),
        ("a%2F..%2Fx", 400, "INVALID_PATH"),
        ("a%00b", 400, "INVALID_PATH"),
        ("%FF", 400, "INVALID_REQUEST"),
        ("dir%2F", 400, "INVALID_REQUEST"),
    ] {
        let answer = json(server.put(path, "new").await, status).await;
        assert_eq!(answer["code"], code, "{path}: {answer}");
    }
    let file = "/v1/environments/env_a/files/dir%2Ffile";
    let only_new = server.ask("PUT", file).header("if-none-match", "*");
    let only_new = only_new.header("content-type", "text/plain").body("y").send().await.unwrap();
    assert_eq!(only_new.status(), 409);
    let untyped = server.ask("PUT", file).body("y").send().await.unwrap();
    assert!(json(untyped, 400).await["message"].as_str().unwrap().contains("Content-Type"));
    assert_eq!(text(server.ask("GET", file).send().await.unwrap(), 200).await, "x");

    // Too long, whether it is said before or found out.
    assert_eq!(json(server.put("big", vec![0; 1_001]).await, 413).await["code"], "FILE_TOO_LARGE");
    let pieces = || {
        futures_util::stream::iter([600, 600].map(|size| Ok::<_, std::io::Error>(vec![0_u8; size])))
    };
    let chunked = server.put("big", reqwest::Body::wrap_stream(pieces())).await;
    assert_eq!(json(chunked, 413).await["code"], "FILE_TOO_LARGE");
    let huge = server.put("big", vec![0; 8 << 20]).await;
    assert_eq!(json(huge, 413).await["error"], "Payload Too Large");

    // Full, counting what is replaced.
    for name in ["one", "two"] {
        assert_eq!(server.put(name, vec![1; 990]).await.status(), 200);
    }
    assert_eq!(json(server.put("three", vec![1; 990]).await, 507).await["code"], "QUOTA_EXCEEDED");
    let form = |files: &[(&str, usize)]| {
        let form = reqwest::multipart::Form::new().text("basePath", "/bulk");
        files.iter().fold(form, |form, (name, size)| {
            let part =
                reqwest::multipart::Part::bytes(vec![2; *size]).file_name((*name).to_owned());
            form.part("files", part)
        })
    };
    let bulk = |files| {
        server.ask("POST", "/v1/environments/env_a/files/bulk").multipart(form(files)).send()
    };
    for (files, status) in [
        (&[("good", 5), ("bad", 900)][..], 507),
        (&[("good", 5), ("../bad", 5)], 400),
        (&[("good", 5), ("/bad", 5)], 400),
        (&[("good", 5), ("good/below", 5)], 409),
        (&[("a", 900), ("b", 700)], 507),
        (&[("good", 1_001)], 413),
    ] {
        assert_eq!(bulk(files).await.unwrap().status().as_u16(), status, "{files:?}");
    }
    let list = server.ask("GET", "/v1/environments/env_a/files?recursive=true").send().await;
    let list = json(list.unwrap(), 200).await;
    let names: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["path"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["/dir", "/dir/file", "/one", "/two"]);
    let answer = bulk(&[("sub/a.py", 5)]).await.unwrap();
    assert_eq!(
        json(answer, 200).await["uploaded"],
        json!([{ "path": "/bulk/sub/a.py", "size": 5 }])
    );
}

#[tokio::test]
async fn d19_to_d28_directories_are_listed_made_moved_and_deleted() {
    let server = Running::new(Limits::default()).await;
    let ask = async |method: &str, path: &str, body: Value, status: u16| {
        let request = server.ask(method, &format!("/environments/env_b/files{path}"));
        let request = if body.is_null() { request } else { request.json(&body) };
        json(request.send().await.unwrap(), status).await
    };
    let made = ask("POST", "/mkdir", json!({ "path": "src/components/ui" }), 200).await;
    assert_eq!(
        made,
        json!({ "success": true, "path": "src/components/ui", "environmentId": "env_b" })
    );
    ask("POST", "/mkdir", json!({ "path": "src" }), 200).await;
    ask("POST", "/mkdir", json!({ "path": "../x" }), 400).await;
    ask("POST", "/mkdir", json!({}), 400).await;
    for path in ["src", "/src", "/src/", "//src"] {
        let list = ask("GET", &format!("?path={path}"), Value::Null, 200).await;
        assert_eq!((&list["path"], &list["total_count"]), (&json!("/src"), &json!(1)), "{path}");
        assert_eq!(list["data"][0]["type"], "directory");
        assert!(list["data"][0].get("size").is_none());
    }
    ask("GET", "?path=nowhere", Value::Null, 404).await;
    ask("GET", "?recursive=yes", Value::Null, 400).await;
    let page = ask("GET", "?recursive=true&limit=1&offset=1", Value::Null, 200).await;
    assert_eq!((&page["has_more"], &page["total_count"]), (&json!(true), &json!(3)));
    assert_eq!(page["data"][0]["path"], "/src/components");
    assert_eq!(ask("DELETE", "/src", Value::Null, 409).await["code"], "DIRECTORY_NOT_EMPTY");
    ask("GET", "/src", Value::Null, 400).await;
    ask("POST", "/move", json!({ "sourcePath": "src/components", "destPath": "lib/parts" }), 200)
        .await;
    ask("POST", "/move", json!({ "sourcePath": "lib", "destPath": "lib/parts/x" }), 400).await;
    ask("POST", "/move", json!({ "sourcePath": "src", "destPath": "lib" }), 409).await;
    ask("POST", "/move", json!({ "sourcePath": "none", "destPath": "y" }), 404).await;
    ask("DELETE", "/src", Value::Null, 200).await;
    ask("DELETE", "/src", Value::Null, 404).await;
    ask("DELETE", "/", Value::Null, 400).await;
    ask("DELETE", "/lib?recursive=true", Value::Null, 200).await;
    assert_eq!(ask("GET", "", Value::Null, 200).await["data"], json!([]));
    ask("POST", "/send", json!({ "destinationEnvironmentId": "env_other", "paths": [] }), 404)
        .await;
}

#[tokio::test]
async fn d2_d4_q22_a_bound_execution_sees_its_environment_live() {
    let server = Running::new(Limits::default()).await;
    server.put("data.txt", "from outside").await;
    let run = server.execution(BOUND).await;
    let result = server
        .bash(
            &run,
            "cat /workspace/data.txt; echo made > /workspace/made.txt; ln -s ../.. /workspace/up",
        )
        .await;
    assert_eq!(result["structured"]["stdout"].as_str().unwrap().trim(), "from outside");
    let get =
        |path: &str| server.ask("GET", &format!("/v1/environments/env_a/files/{path}")).send();
    assert_eq!(text(get("made.txt").await.unwrap(), 200).await, "made\n");
    // Links are neither listed nor followed.
    assert_eq!(get("up").await.unwrap().status(), 404);
    assert_eq!(get("up/etc/passwd").await.unwrap().status(), 404);
    let list = json(get("").await.unwrap(), 200).await;
    assert_eq!(list["total_count"], 2);
    let item = server.ask("GET", &format!("/agents/v2/executions/{run}")).send().await.unwrap();
    assert_eq!(json(item, 200).await["customEnvironmentId"], "env_a");
    // An execution of the other agent sees none, and what it writes stays after it.
    let unbound = server.execution(AGENT).await;
    let result = server.bash(&unbound, "ls -d /workspace 2>&1; ls /home/agent").await;
    let shown = result["structured"]["stdout"].as_str().unwrap().to_owned();
    assert!(shown.contains("No such file"), "{shown}");
    assert!(shown.trim_end().ends_with("downloads\nshared\nuploads\nworkspace"), "{shown}");
    let finish = server.ask("POST", &format!("/toolcell/v1/executions/{run}/finish")).send().await;
    json(finish.unwrap(), 200).await;
    let next = server.execution(BOUND).await;
    let result = server.bash(&next, "cat /workspace/made.txt").await;
    assert_eq!(result["structured"]["stdout"].as_str().unwrap().trim(), "made");
}

#[tokio::test]
async fn q10_q11_uploads_into_an_execution_are_all_or_nothing() {
    let limits = Limits { uploads_bytes: 100, ..Limits::default() };
    let server = Running::new(limits).await;
    let run = server.execution(AGENT).await;
    let upload = |files: Vec<(&'static str, usize)>| {
        let form = files.into_iter().fold(reqwest::multipart::Form::new(), |form, (name, size)| {
            form.part("files", reqwest::multipart::Part::bytes(vec![b'x'; size]).file_name(name))
        });
        server
            .ask("POST", &format!("/agents/v2/executions/{run}/context-files"))
            .multipart(form)
            .send()
    };
    assert_eq!(text(upload(vec![("../a.txt", 40)]).await.unwrap(), 200).await, "Files uploaded.");
    let refused = text(upload(vec![("b.txt", 10), ("c.txt", 60)]).await.unwrap(), 413).await;
    assert!(refused.contains("region uploads is full"), "{refused}");
    assert_eq!(upload(vec![("..", 1)]).await.unwrap().status(), 400);
    let path = format!("/agents/v2/executions/{run}/context-files");
    let form = server.ask("POST", &path).body("no form").send().await.unwrap();
    assert_eq!(text(form, 400).await, "Invalid file upload request.");
    let listed = json(server.ask("GET", &path).send().await.unwrap(), 200).await;
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|file| file["filePath"].as_str().unwrap()).collect();
    assert_eq!(names, ["uploads/a.txt"]);
    // The same name again: the bytes are replaced, the id stays.
    let id = listed[0]["id"].clone();
    upload(vec![("a.txt", 50)]).await.unwrap();
    let listed = json(server.ask("GET", &path).send().await.unwrap(), 200).await;
    assert_eq!((&listed[0]["id"], &listed[0]["fileSize"]), (&id, &json!(50)));
    let cancel = server.ask("POST", &format!("/agents/v2/executions/{run}/cancel")).send().await;
    assert_eq!(json(cancel.unwrap(), 200).await["status"], "cancelled");
    assert_eq!(upload(vec![("late", 1)]).await.unwrap().status(), 400);
    // What has ended can still be read.
    let url = listed[0]["signedUrl"].as_str().unwrap();
    assert_eq!(server.client.get(url).send().await.unwrap().bytes().await.unwrap().len(), 50);
}

#[tokio::test]
async fn q18_a_signed_url_opens_one_file_for_a_while() {
    let server = Running::new(Limits { signed_url_lifetime: 0, ..Limits::default() }).await;
    let run = server.execution(AGENT).await;
    server.bash(&run, "echo hi > downloads/x; echo no > downloads/y").await;
    let path = format!("/agents/v2/executions/{run}/context-files");
    let late = json(server.ask("GET", &path).send().await.unwrap(), 200).await;
    let late = late[0]["signedUrl"].as_str().unwrap().to_owned();
    assert!(text(server.client.get(&late).send().await.unwrap(), 403).await.contains("expired"));

    let server = Running::new(Limits::default()).await;
    let run = server.execution(AGENT).await;
    server.bash(&run, "echo hi > downloads/x; echo no > downloads/y").await;
    let path = format!("/agents/v2/executions/{run}/context-files");
    let listed = json(server.ask("GET", &path).send().await.unwrap(), 200).await;
    let url = listed[0]["signedUrl"].as_str().unwrap();
    assert_eq!(text(server.client.get(url).send().await.unwrap(), 200).await, "hi\n");
    assert_eq!(server.client.head(url).send().await.unwrap().status(), 200);
    // A key that comes along does no harm.
    assert_eq!(
        server.client.get(url).header("x-api-key", "wrong").send().await.unwrap().status(),
        200
    );
    for changed in [
        url.replace("downloads%2Fx", "downloads%2Fy"),
        url.replace("expires=", "expires=9"),
        url.replace("signature=", "signature=0"),
    ] {
        assert_eq!(server.client.get(&changed).send().await.unwrap().status(), 403, "{changed}");
    }
    server.bash(&run, "rm downloads/x").await;
    assert_eq!(server.client.get(url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn f22_a_download_is_deposited_while_it_arrives_and_announced_when_it_is_there() {
    let server = Running::new(Limits { downloads_bytes: 100, ..Limits::default() }).await;
    let run = server.execution(AGENT).await;
    let deposit = |name: &str, body: reqwest::Body| {
        server
            .ask("PUT", &format!("/toolcell/v1/executions/{run}/downloads/{name}"))
            .body(body)
            .send()
    };
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = futures_util::stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let arriving = tokio::spawn(deposit("report.pdf", reqwest::Body::wrap_stream(body)));
    sender.send(Ok(b"first half, ".to_vec())).await.unwrap();
    let during = server.bash(&run, "ls -A downloads").await;
    assert!(during.get("new_files").is_none());
    sender.send(Ok(b"second half".to_vec())).await.unwrap();
    drop(sender);
    let answer = json(arriving.await.unwrap().unwrap(), 201).await;
    assert_eq!(answer["path"], "/home/agent/downloads/report.pdf");
    let after = server.bash(&run, "cat downloads/report.pdf").await;
    assert_eq!(after["structured"]["stdout"], "first half, second half");
    assert_eq!(after["new_files"][0]["source"], "download");
    assert_eq!(deposit("big", vec![0; 101].into()).await.unwrap().status(), 413);
    assert_eq!(deposit("a%2Fb", "x".into()).await.unwrap().status(), 400);
    assert!(deposit("..", "x".into()).await.unwrap().status().is_client_error());
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let server = Running::new(Limits { idle_seconds: 1, ..Limits::default() }).await;
    let head = format!(
        "PUT /v1/environments/env_a/files/gone HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\
         content-type: text/plain\r\ncontent-length: 1000\r\n\r\nhalf"
    );
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    // One that is silent is told so.
    assert_eq!(server.raw(head.as_bytes()).await, "HTTP/1.1 408 Request Timeout");
    let list = server.ask("GET", "/v1/environments/env_a/files").send().await.unwrap();
    assert_eq!(json(list, 200).await["data"], json!([]));
    let incoming = server.directory.path().join("environments/env_a/incoming/environment");
    assert_eq!(std::fs::read_dir(incoming).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let server = Running::new(Limits::default()).await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(300_000));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(200));
    for request in [long.as_str(), many.as_str()] {
        let line = server.raw(request.as_bytes()).await;
        assert!(line.starts_with("HTTP/1.1 431"), "{line} for {}", request.len());
    }
    assert!(server.raw(b"nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("DELETE", "/agents/v2/executions", 405),
        ("POST", "/v1/environments/env_a/files/unknown", 404),
        ("PATCH", "/v1/environments/env_a/files/x", 405),
    ] {
        let answer = server.ask(method, path).send().await.unwrap();
        assert!(answer.headers().contains_key("x-request-id"));
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
    }
    let run = server.execution(AGENT).await;
    for (path, body, status) in [
        ("execute", "[1]", 400),
        ("execute", "{\"tempFiles\":[{\"id\":\"x\"}]}", 400),
        ("execute", "{\"tempFiles\":7}", 400),
        ("execute", "{", 400),
        ("execute/sync", "{\"timeoutSeconds\":26}", 400),
    ] {
        let path = format!("/agents/v2/agents/{AGENT}/{path}");
        let answer = server.ask("POST", &path).body(body).send().await.unwrap();
        assert_eq!(json(answer, status).await["code"], status, "{body}");
    }
    let tool = server.ask("POST", &format!("/toolcell/v1/executions/{run}/tools/Nothing"));
    assert_eq!(json(tool.json(&json!({})).send().await.unwrap(), 404).await["is_error"], true);
}

#[tokio::test]
async fn executions_go_on_after_a_restart() {
    let mut server = Running::new(Limits::default()).await;
    let run = server.execution(AGENT).await;
    server.bash(&run, "cd workspace; echo kept > here; echo s > ../shared/s").await;
    server.put("file", "kept too").await;
    server.stop().await;
    server.start().await;
    let result = server.bash(&run, "cat here; pwd").await;
    assert_eq!(
        result["structured"]["stdout"].as_str().unwrap().trim(),
        "kept\n/home/agent/workspace"
    );
    let path = format!("/toolcell/v1/executions/{run}/finish");
    let finish = server.ask("POST", &path).json(&json!({ "outcome": "success", "result": [1] }));
    let answer = json(finish.send().await.unwrap(), 200).await;
    assert_eq!((&answer["status"], &answer["shared"]["version"]), (&json!("completed"), &json!(1)));
    assert_eq!(server.ask("POST", &path).send().await.unwrap().status(), 400);
    let result = server.ask("GET", &format!("/api/v1/execution/{run}/result")).send().await;
    assert_eq!(json(result.unwrap(), 200).await["execution_result"]["result"], json!([1]));
    let metrics = server.client.get(server.url("/metrics")).send().await.unwrap();
    assert!(text(metrics, 200).await.contains("toolcell_http_requests_total{class=\"2xx\"}"));
}

#[tokio::test]
async fn events_arrive_as_they_happen_and_end_with_the_execution() {
    let server = Running::new(Limits::default()).await;
    let run = server.execution(AGENT).await;
    let events = server.ask("GET", &format!("/toolcell/v1/executions/{run}/events")).send().await;
    let events = events.unwrap();
    server.bash(&run, "echo x > downloads/new.csv").await;
    let finish = server.ask("POST", &format!("/toolcell/v1/executions/{run}/finish")).send().await;
    json(finish.unwrap(), 200).await;
    let text = text(events, 200).await;
    let kinds: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let kinds: HashSet<&str> = kinds.into_iter().collect();
    assert_eq!(
        kinds,
        HashSet::from(["action_started", "action_completed", "file_added", "status_changed"])
    );
    assert!(text.contains("new.csv") && text.contains("\"status\":\"completed\""), "{text}");
}

#[tokio::test]
async fn a_server_that_stops_finishes_uploads_and_ends_streams() {
    let mut server = Running::new(Limits::default()).await;
    let run = server.execution(AGENT).await;
    let events = server.ask("GET", &format!("/toolcell/v1/executions/{run}/events")).send().await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = futures_util::stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let put = server.ask("PUT", "/v1/environments/env_a/files/late.txt");
    let put = put.header("content-type", "text/plain").body(reqwest::Body::wrap_stream(body));
    let arriving = tokio::spawn(put.send());
    sender.send(Ok(b"first, ".to_vec())).await.unwrap();
    // The second send has room when the first piece was taken.
    sender.send(Ok(b"then ".to_vec())).await.unwrap();
    drop(server.stop.take());
    sender.send(Ok(b"last".to_vec())).await.unwrap();
    drop(sender);
    assert_eq!(json(arriving.await.unwrap().unwrap(), 200).await["file"]["size"], 16);
    assert_eq!(text(events.unwrap(), 200).await, "");
    server.task.take().unwrap().await.unwrap();
    server.start().await;
    let got = server.ask("GET", "/v1/environments/env_a/files/late.txt").send().await.unwrap();
    assert_eq!(text(got, 200).await, "first, then last");
}

#[tokio::test]
async fn the_document_describes_every_route_and_no_other() {
    let server = Running::new(Limits::default()).await;
    let document = server.client.get(server.url("/openapi.json")).send().await.unwrap();
    let document = json(document, 200).await;
    let mut described = HashSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        described.insert(path.clone());
        for method in operations.as_object().unwrap().keys() {
            // Without a key: a route that is there asks for one, or is open to all.
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let url = server.url(&path.replace(['{', '}'], ""));
            let answer = server.client.request(method.clone(), url).send().await.unwrap();
            let status = answer.status().as_u16();
            assert!([200, 401, 404].contains(&status), "{method} {path}: {status}");
            let text = answer.text().await.unwrap();
            assert!(!text.contains("no such route"), "{method} {path}");
        }
    }
    // Every path in the table of routes, under the name of its API.
    let source =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src/server/routes.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let mut api = "";
    for line in source.lines() {
        api = match line {
            line if line.starts_with("pub(super) fn router") => "",
            line if line.starts_with("fn agents_api") => "/agents/v2",
            line if line.starts_with("fn first_api") => "/api/v1",
            line if line.starts_with("fn environments_api") => "/v1",
            line if line.starts_with("fn extension_api") => "/toolcell/v1",
            line if line.starts_with("fn ") || line.starts_with("async fn ") => "none",
            _ => api,
        };
        if api == "none" {
            continue;
        }
        let Some((_, path)) = line.split_once("\"/") else { continue };
        let path = format!("{api}/{}", path.split('"').next().unwrap());
        // Nested APIs, and paths that are made of variables.
        if line.contains(".nest(") || path.contains("{{") || path.ends_with("{path}") {
            continue;
        }
        let path = path.replace("{*path}", "{path}");
        assert!(described.contains(&path), "{path} is not described");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_an_environment_can_be_looked_up() {
    let server = Running::new(Limits::default()).await;
    let get = |path: &str| {
        let request = server.ask("GET", &format!("/v1/environments/env_a/{path}"));
        async move { request.send().await.unwrap() }
    };
    server.put("src%2Fapp.py", "one\ntwo\n").await;
    let first = json(get("changes").await, 200).await;
    assert_eq!((&first["total"], &first["hasMore"]), (&json!(1), &json!(false)));
    let change = &first["data"][0];
    assert_eq!((&change["id"], &change["sourceKind"]), (&json!("chg_1"), &json!("manual")));
    assert_eq!((&change["additions"], &change["deletions"]), (&json!(2), &json!(0)));
    assert_eq!(change["files"][1]["path"], "src/app.py");
    assert_eq!(change["files"][1]["operation"], "uploaded");

    server.put("src%2Fapp.py", "one\n2\nthree\n").await;
    let run = server.execution(BOUND).await;
    server.bash(&run, "cd /workspace; printf 'x\\0' > bin; mkdir empty").await;
    let all = json(get("changes?limit=2").await, 200).await;
    assert_eq!((&all["total"], &all["hasMore"]), (&json!(3), &json!(true)));
    let data = all["data"].as_array().unwrap();
    let of = |kind: &str| data.iter().find(|change| change["sourceKind"] == kind).unwrap();
    let (edit, made) = (of("manual"), of("thread"));
    assert_eq!(made["sourceThreadId"], run.as_str());
    assert_eq!(made["files"][0]["operation"], "created");
    assert_eq!(edit["title"], "Change src/app.py");
    assert_eq!((&edit["additions"], &edit["deletions"]), (&json!(2), &json!(1)));

    let (edit, made) = (edit["id"].as_str().unwrap(), made["id"].as_str().unwrap());
    let diff = get(&format!("changes/{edit}/diff?path=/src/app.py")).await;
    let wanted = "--- a/src/app.py\n+++ b/src/app.py\n@@ -1,2 +1,3 @@\n one\n-two\n+2\n+three\n";
    assert_eq!(json(diff, 200).await["diff"], wanted);
    let file = get("snapshots/snap_1/file?path=src/app.py").await;
    assert_eq!(json(file, 200).await["content"], "one\ntwo\n");
    let raw = get(&format!("changes/{made}/file?path=bin&format=raw")).await;
    assert_eq!(text(raw, 200).await, "x\0");
    let binary = get(&format!("changes/{made}/diff")).await;
    assert_eq!(json(binary, 200).await["diff"], "Binary files a/bin and b/bin differ\n");
    let listed = get("snapshots/snap_1/files?prefix=src/").await;
    assert_eq!(json(listed, 200).await["data"][0]["path"], "src/app.py");
    let snapshots = json(get("snapshots").await, 200).await;
    assert_eq!(snapshots["data"][2]["changedPaths"], json!(["src", "src/app.py"]));
    let only = json(get("changes?operation=modified").await, 200).await;
    assert_eq!((&only["total"], &only["data"][0]["id"]), (&json!(1), &json!(edit)));

    let fork = server.ask("POST", "/v1/environments/env_a/snapshots/snap_1/fork");
    let fork = json(fork.json(&json!({ "name": "then" })).send().await.unwrap(), 201).await;
    let id = fork["environment"]["id"].as_str().unwrap();
    let then = server.ask("GET", &format!("/v1/environments/{id}/files/src/app.py"));
    assert_eq!(text(then.send().await.unwrap(), 200).await, "one\ntwo\n");

    for (path, status) in [
        ("changes/chg_99/diff", 404),
        ("changes/nonsense/diff", 404),
        ("changes/chg_1/diff?path=nothing", 404),
        ("changes/chg_1/file", 400),
        ("changes/chg_1/file?path=src", 404),
        ("changes/chg_1/file?path=src/app.py&format=xml", 400),
        ("changes?operation=renamed", 400),
        ("changes?limit=0", 400),
    ] {
        assert_eq!(get(path).await.status(), status, "{path}");
    }
    let other = server.ask("GET", "/v1/environments/env_other/changes").send().await.unwrap();
    assert_eq!(other.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_no_versions_says_so() {
    let limits = Limits { environment_sync: 0, ..Limits::default() };
    let server = Running::new(limits).await;
    server.put("x", "1").await;
    let answer = server.ask("GET", "/v1/environments/env_a/changes").send().await.unwrap();
    assert_eq!(json(answer, 404).await["code"], "NOT_KEPT");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_is_only_in_the_store_comes_back() {
    let mut server = Running::new(Limits::default()).await;
    let made = server.ask("POST", "/v1/environments").json(&json!({ "name": "moving" }));
    let made = json(made.send().await.unwrap(), 201).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/v1/environments/{id}/files/a%2Fb.txt");
    let put = server.ask("PUT", &path).header("content-type", "text/plain").body("kept");
    json(put.send().await.unwrap(), 200).await;
    // What is on its way when the server stops is in the store.
    server.stop().await;
    std::fs::remove_dir_all(server.directory.path().join("environments")).unwrap();

    server.start().await;
    let shown = server.ask("GET", &format!("/v1/environments/{id}")).send().await.unwrap();
    assert_eq!(json(shown, 200).await["name"], "moving");
    let got = server.ask("GET", &path).send().await.unwrap();
    assert_eq!(text(got, 200).await, "kept");

    let gone = server.ask("DELETE", &format!("/v1/environments/{id}")).send().await.unwrap();
    json(gone, 200).await;
    server.stop().await;
    server.start().await;
    let shown = server.ask("GET", &format!("/v1/environments/{id}")).send().await.unwrap();
    assert_eq!(shown.status(), 404);
}
