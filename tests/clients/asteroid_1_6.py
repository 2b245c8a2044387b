"""Grouped listings, redirects and the agent's shared files, with asteroid-odyssey 1.6.905."""

from asteroid_odyssey import ApiClient, Configuration
from asteroid_odyssey.api.agents_api import AgentsApi
from asteroid_odyssey.api.execution_api import ExecutionApi
from asteroid_odyssey.api.files_api import FilesApi
from asteroid_odyssey.exceptions import ApiException
from asteroid_odyssey.models.agents_agent_execute_agent_request import (
    AgentsAgentExecuteAgentRequest as Request,
)
from asteroid_odyssey.models.agents_files_set_frozen_request import (
    AgentsFilesSetFrozenRequest as Freeze,
)
from common import AGENT, KEY, URL, equal, finish, tool

client = ApiClient(Configuration(host=URL + "/agents/v2", api_key={"ApiKeyAuth": KEY}))
agents, executions, files = AgentsApi(client), ExecutionApi(client), FilesApi(client)


def run():
    return agents.agent_execute_post(AGENT, Request(inputs={"a": 1})).execution_id


def shared():
    return {file.file_path: file for file in files.agent_shared_files_get(AGENT).files}


files.agent_shared_files_delete_all(AGENT)

# Shared files that are put there from outside are in the next execution.
added = files.agent_shared_files_upload(AGENT, files=[("rules.md", b"be kind\n"), ("keep.md", b"1\n")])
equal([file.file_name for file in added.files], ["rules.md", "keep.md"])
frozen = files.agent_shared_files_freeze(
    AGENT, shared()["keep.md"].id, Freeze(isFrozen=True)
)
assert frozen.is_frozen
first = run()
equal(tool(first, "Bash", command="cat shared/rules.md")["structured"]["stdout"].strip(), "be kind")

# What an execution does to shared/ is there when it has finished, and not before.
tool(
    first,
    "Bash",
    command="echo and brave >> shared/rules.md; mkdir -p shared/bin; "
    "printf '#!/bin/bash\\necho ran\\n' > shared/bin/go; chmod +x shared/bin/go; "
    "echo mine > shared/keep.md",
)
equal(shared()["rules.md"].file_size, 8)
listing = files.execution_files_get(first)
equal(sorted(file.file_path for file in listing.directories.shared),
      ["shared/bin/go", "shared/keep.md", "shared/rules.md"])
one = next(file for file in listing.directories.shared if file.file_name == "go")
got = files.execution_file_download_redirect_with_http_info(first, one.id).raw_data
equal(bytes(got), b"#!/bin/bash\necho ran\n")
finish(first)
now = shared()
equal((now["rules.md"].file_size, now["rules.md"].version), (18, 2))
equal(now["rules.md"].last_modified_by_execution_id, first)
equal((now["keep.md"].file_size, now["keep.md"].is_frozen), (2, True))
second = run()
equal(tool(second, "Bash", command="shared/bin/go")["structured"]["stdout"].strip(), "ran")

# An execution has its own copy: what comes meanwhile is the next one's.
files.agent_shared_files_update(AGENT, now["rules.md"].id, files=[("rules.md", b"new\n")])
equal(tool(second, "Bash", command="head -1 shared/rules.md")["structured"]["stdout"].strip(), "be kind")
tool(second, "Bash", command="rm shared/bin/go")
finish(second)
equal(sorted(shared()), ["keep.md", "rules.md"])
equal(bytes(files.agent_shared_file_download_redirect_with_http_info(
    AGENT, shared()["rules.md"].id).raw_data), b"new\n")

files.agent_shared_files_delete(AGENT, shared()["rules.md"].id)
equal(sorted(shared()), ["keep.md"])
try:
    files.agent_shared_files_delete(AGENT, "11111111-1111-4111-8111-000000000000")
except ApiException as error:
    equal(error.status, 404)
else:
    raise AssertionError("a file that is not there was deleted")

# Activities with tools in them can be read from this version on.
activities = executions.execution_activities_get(first)
assert any(
    getattr(one.payload.actual_instance, "action_name", None) == "sdk_bash" for one in activities
), activities
files.agent_shared_files_delete_all(AGENT)
equal(sorted(shared()), [])
