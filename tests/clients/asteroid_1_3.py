"""The flow of the agents' page, with the helpers of asteroid-odyssey 1.3.13."""

import pathlib
import tempfile

from asteroid_odyssey import AsteroidClient
from asteroid_odyssey.client import (
    add_message_to_execution,
    download_execution_file,
    execute_agent,
    get_agents,
    get_execution_files,
    get_executions,
    get_last_n_execution_activities,
    stage_temp_files,
    upload_execution_files,
    wait_for_execution_result,
)
from common import AGENT, KEY, ORGANIZATION, URL, equal, finish, text, tool

client = AsteroidClient(KEY, base_url=URL)

# Staged files are attached when the execution starts.
pdf = b"%PDF-1.4 \x00\xff not really"
staged = stage_temp_files(
    client, ORGANIZATION, [("document.pdf", pdf), ('ümlaut "q".csv', b"a,b\n1,2\n")]
)
equal([file.name for file in staged], ["document.pdf", 'ümlaut "q".csv'])
execution = execute_agent(client, AGENT, {"who": "a test"}, temp_files=staged)

listing = tool(execution, "Bash", command="pwd; ls uploads; ls")
equal(
    listing["structured"]["stdout"].rstrip("\n").split("\n"),
    ["/home/agent", "document.pdf", 'ümlaut "q".csv', "downloads", "shared", "uploads", "workspace"],
)
assert "/home/agent/uploads/document.pdf" in text(listing), text(listing)
assert "new file" not in text(tool(execution, "Bash", command="echo"))

# A running execution takes files, and tells the agent of them once.
upload_execution_files(client, execution, [("late.txt", b"late\n")])
told = text(tool(execution, "Bash", command="cat uploads/late.txt"))
assert told.startswith("late\n") and "/home/agent/uploads/late.txt" in told, told
assert "late" not in text(tool(execution, "Bash", command="echo"))

# What is downloaded is listed, and comes back byte for byte by its signed URL.
tool(execution, "Bash", command="printf 'found\\n' > downloads/report.txt; echo x > workspace/w")
files = get_execution_files(client, execution)
equal(
    sorted((file.file_path, file.file_size) for file in files),
    sorted(
        [
            ("downloads/report.txt", 6),
            ("uploads/document.pdf", len(pdf)),
            ("uploads/late.txt", 5),
            ('uploads/ümlaut "q".csv', 8),
        ]
    ),
)
with tempfile.TemporaryDirectory() as folder:
    for file in files:
        path = download_execution_file(client, file, folder + "/")
        equal(pathlib.Path(path).stat().st_size, file.file_size)
    equal((pathlib.Path(folder) / "document.pdf").read_bytes(), pdf)

add_message_to_execution(client, execution, "go on")
assert [one.id for one in get_agents(client, ORGANIZATION)] == [AGENT]

# A run without tools that 1.3.13 does not know by name: its activities can be read.
plain = execute_agent(client, AGENT)
upload_execution_files(client, plain, [("one.txt", b"1")])
upload_execution_files(client, plain, [("two.txt", b"22")])
finish(plain, outcome="success", reasoning="done", result={"rows": 3})
result = wait_for_execution_result(client, plain, interval=0.1, timeout=10)
equal((result.outcome, result.reasoning, result.result), ("success", "done", {"rows": 3}))
activities = get_last_n_execution_activities(client, plain, 10)
kinds = [one.payload.actual_instance.activity_type for one in activities]
equal(kinds, ["status_changed", "file_added", "file_added", "status_changed"])
running = get_executions(client, organization_id=ORGANIZATION, page=1, page_size=5)
assert {execution, plain} <= {item.id for item in running.items}

# What has ended takes no files, and says so.
try:
    upload_execution_files(client, plain, [("no.txt", b"no")])
except Exception as error:
    assert "completed" in str(error), error
else:
    raise AssertionError("an ended execution took a file")
finish(execution)
