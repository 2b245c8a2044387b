"""Workflows, statuses and uploads, with asteroid-odyssey 1.9.167."""

import requests
from asteroid_odyssey import ApiClient, Configuration
from asteroid_odyssey.api.context_api import ContextApi
from asteroid_odyssey.api.execution_api import ExecutionApi
from asteroid_odyssey.api.files_api import FilesApi
from asteroid_odyssey.api.workflows_api import WorkflowsApi
from asteroid_odyssey.exceptions import ApiException
from asteroid_odyssey.models.workflows_workflow_execute_request import (
    WorkflowsWorkflowExecuteRequest as Request,
)
from asteroid_odyssey.models.agents_files_temp_file import AgentsFilesTempFile as TempFile
from common import AGENT, KEY, ORGANIZATION, URL, equal, finish, tool

client = ApiClient(Configuration(host=URL, api_key={"ApiKeyAuth": KEY}))
executions, files = ExecutionApi(client), FilesApi(client)
workflows, context = WorkflowsApi(client), ContextApi(client)

equal(context.context_get().organizations[0].id, ORGANIZATION)
staged = files.temp_files_upload(files=[("a.txt", b"staged")], organization_id=ORGANIZATION)
started = workflows.workflow_execute_post(
    AGENT, Request(tempFiles=[TempFile(id=file.id, name=file.name) for file in staged.temp_files])
)
execution = started.execution_id
files.execution_context_files_upload(execution, [("b.bin", bytes(range(256)))])
equal(sorted(file.file_path for file in files.execution_context_files_get(execution)),
      ["uploads/a.txt", "uploads/b.bin"])
listed = files.execution_context_files_get(execution)
one = next(file for file in listed if file.file_name == "b.bin")
got = files.execution_context_file_download_redirect_with_http_info(execution, one.id).raw_data
equal(bytes(got), bytes(range(256)))

executions.execution_pause(execution)
equal(executions.execution_get(execution).status.value, "paused")
executions.execution_resume(execution)
tool(execution, "Write", file_path="/home/agent/workspace/w.txt", content="w")
tool(execution, "Read", file_path="/home/agent/workspace/w.txt")
tool(execution, "Edit", file_path="/home/agent/workspace/w.txt", old_string="w", new_string="x")
tool(execution, "Glob", pattern="**/*.txt")
tool(execution, "Grep", pattern="x", path="/home/agent/workspace")
handed = tool(execution, "UploadFile", file_paths=["uploads/a.txt"])["structured"]["files"][0]
equal((handed["name"], handed["mimeType"], handed["size"]), ("a.txt", "text/plain", 6))
equal(requests.get(handed["url"]).content, b"staged")
kinds = {
    one.payload.actual_instance.to_dict().get("actionName")
    for one in executions.execution_activities_get(execution)
}
assert {"sdk_write", "sdk_read", "sdk_edit", "sdk_glob", "sdk_grep", "element_file_upload"} <= kinds
grouped = files.execution_files_get(execution)
equal([file.file_path for file in grouped.directories.workspace], ["workspace/w.txt"])
executions.execution_cancel(execution)
equal(executions.execution_get(execution).status.value, "cancelled")
try:
    executions.execution_resume(execution)
except ApiException as error:
    equal(error.status, 400)
else:
    raise AssertionError("a cancelled execution was resumed")
try:
    executions.execution_get("no-such-execution")
except ApiException as error:
    equal(error.status, 404)
else:
    raise AssertionError("an execution that is not there was found")
page = executions.executions_list(organization_id=ORGANIZATION, page=1, page_size=50)
assert execution in [item.id for item in page.items]
