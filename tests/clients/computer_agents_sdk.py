"""The Files API, with both generations of computer-agents' client."""

import io
import os
import zipfile

from computer_agents import ComputerAgentsClient
from common import ENVIRONMENT, KEY, URL, equal

new = os.environ["CLIENT_VERSION"] >= "2.6.4"
for base in [URL, URL + "/v1"]:
    client = ComputerAgentsClient(KEY, base_url=base)
    files = client.files
    name = 'ünï "q" app.py'
    done = files.upload_file(ENVIRONMENT, name, 'print("hello")\n', path="src/a b")
    equal((done["path"], done["size"]), (f"src/a b/{name}", 15))
    equal(files.get_file(ENVIRONMENT, f"src/a b/{name}"), 'print("hello")\n')
    files.upload_file(ENVIRONMENT, "data.bin", bytes(range(256)))
    equal(files.download_file(ENVIRONMENT, "data.bin"), bytes(range(256)))
    files.create_directory(ENVIRONMENT, "/docs/deep/er")
    files.move_file(ENVIRONMENT, "data.bin", "docs/deep/moved.bin")
    names = {entry["path"].lstrip("/") for entry in files.list_files(ENVIRONMENT)}
    assert {"docs", "src"} <= names and "data.bin" not in names, names
    if new:
        listed = files.list(ENVIRONMENT, path="docs", depth=2)
        equal(
            sorted((entry["path"], entry["type"], entry["size"]) for entry in listed["files"]),
            [("docs/deep", "directory", 0), ("docs/deep/er", "directory", 0),
             ("docs/deep/moved.bin", "file", 256)],
        )
        archive = zipfile.ZipFile(io.BytesIO(files.download_directory(ENVIRONMENT, "docs")))
        equal(archive.read("deep/moved.bin"), bytes(range(256)))
        made = client.environments.create(name="other")
        other = made["id"] if isinstance(made, dict) else made.id
        files.send_files_to_environment(ENVIRONMENT, other, ["docs", f"src/a b/{name}"])
        equal(files.download_file(other, "docs/deep/moved.bin"), bytes(range(256)))
        client.environments.delete(other)
        # Twice, so that there is something to compare.
        files.upload_file(ENVIRONMENT, "history.txt", "one\ntwo\n")
        client.environments.list_changes(ENVIRONMENT, limit=1)
        files.upload_file(ENVIRONMENT, "history.txt", "one\n2\n")
        changes = client.environments.list_changes(ENVIRONMENT, limit=5, operation=["modified"])
        change = changes["data"][0]
        equal([(file["path"], file["additions"], file["deletions"]) for file in change["files"]],
              [("history.txt", 1, 1)])
        diff = client.environments.get_change_diff(
            ENVIRONMENT, change["id"], path="history.txt")
        assert "-two\n+2\n" in diff["diff"], diff
        snapshot = client.environments.list_snapshots(ENVIRONMENT, limit=1)[0]
        before = snapshot["parentSnapshotId"]
        equal(client.environments.get_snapshot_file(
            ENVIRONMENT, before, path="history.txt")["content"], "one\ntwo\n")
        equal(client.environments.get_change_file_raw(
            ENVIRONMENT, change["id"], path="history.txt"), b"one\n2\n")
        held = client.environments.list_snapshot_files(ENVIRONMENT, before, prefix="history")
        equal([(file["path"], file["size"]) for file in held], [("history.txt", 8)])
        client.environments.initialize_snapshots(ENVIRONMENT)
        fork = client.environments.fork_from_snapshot(ENVIRONMENT, before, name="before")
        forked = fork["environment"]["id"]
        equal(files.get_file(forked, "history.txt"), "one\ntwo\n")
        client.environments.delete(forked)
        files.delete_file(ENVIRONMENT, "history.txt")
    files.delete_file(ENVIRONMENT, "docs/deep/moved.bin")
    files.delete_file(ENVIRONMENT, "docs/deep/er")
    try:
        files.get_file(ENVIRONMENT, "docs/deep/moved.bin")
    except Exception as error:
        equal(getattr(error, "status", None) or getattr(error, "status_code", None), 404)
    else:
        raise AssertionError("a deleted file was read")
    assert client.environments.get_default() is not None
