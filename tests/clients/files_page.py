"""The curl examples of the Files API's page, word for word but for the host and the id."""

import json
import os
import pathlib
import subprocess
import tempfile

from common import ENVIRONMENT, KEY, URL, equal

PAGE = "https://api.computer-agents.com/v1/environments/env_abc123"


def curl(command, folder):
    command = command.replace(PAGE, f"{URL}/v1/environments/{ENVIRONMENT}")
    done = subprocess.run(
        ["bash", "-c", command.replace("curl ", "curl -sS -i ", 1)],
        cwd=folder,
        env={**os.environ, "API_KEY": KEY},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    source = "from flask import Flask\napp = Flask(__name__)\n"
    for file in ["new_file.py", "app.py", "utils.py", "config.py"]:
        (folder / file).write_text(source)

    status, _, body = curl(
        f'curl -X PUT "{PAGE}/files/src%2Fnew_file.py" \\\n  -H "Authorization: Bearer $API_KEY" \\\n'
        '  -H "Content-Type: text/x-python" \\\n  --data-binary @new_file.py', folder)
    answer = json.loads(body)
    modified = answer["file"].pop("modifiedAt")
    assert len(modified) == 24 and modified.endswith("Z"), modified
    equal((status, answer), (200, {"success": True, "file": {
        "name": "new_file.py", "path": "/src/new_file.py", "type": "file", "size": len(source),
        "mimeType": "text/x-python"}}))

    status, _, body = curl(
        f'curl -X POST "{PAGE}/files/bulk" \\\n  -H "Authorization: Bearer $API_KEY" \\\n'
        '  -F "basePath=/src" \\\n  -F "files=@app.py" \\\n  -F "files=@utils.py" \\\n'
        '  -F "files=@config.py"', folder)
    equal((status, json.loads(body)), (200, {"success": True, "uploaded": [
        {"path": f"/src/{file}", "size": len(source)} for file in ["app.py", "utils.py", "config.py"]
    ], "total": 3}))

    status, _, body = curl(
        f'curl "{PAGE}/files?path=/src" \\\n  -H "Authorization: Bearer $API_KEY"', folder)
    answer = json.loads(body)
    equal((status, answer["object"], answer["path"], answer["has_more"]), (200, "list", "/src", False))
    names = [entry["name"] for entry in answer["data"]]
    assert names == sorted(names) and {"app.py", "new_file.py"} <= set(names), names

    status, headers, body = curl(
        f'curl "{PAGE}/files/src%2Fapp.py" \\\n  -H "Authorization: Bearer $API_KEY"', folder)
    equal((status, headers["content-type"], headers["content-length"], body.decode()),
          (200, "text/x-python", str(len(source)), source))
    done = subprocess.run(
        ["bash", "-c", (f'curl -sS "{PAGE}/files/src%2Fapp.py?download=true" '
                        '-H "Authorization: Bearer $API_KEY" -o app.py -D headers.txt').replace(
            PAGE, f"{URL}/v1/environments/{ENVIRONMENT}")],
        cwd=folder, env={**os.environ, "API_KEY": KEY})
    equal(done.returncode, 0)
    equal((folder / "app.py").read_text(), source)
    assert "attachment" in (folder / "headers.txt").read_text().lower()

    status, _, body = curl(
        f'curl -X POST "{PAGE}/files/mkdir" \\\n  -H "Authorization: Bearer $API_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n  -d \'{"path": "src/components"}\'', folder)
    equal((status, json.loads(body)), (200, {
        "success": True, "path": "src/components", "environmentId": ENVIRONMENT}))

    status, _, body = curl(
        f'curl -X PUT "{PAGE}/files/old_folder%2Fa.txt" -H "Authorization: Bearer $API_KEY" '
        '-H "Content-Type: text/plain" --data-binary @app.py', folder)
    equal(status, 200)
    status, _, body = curl(
        f'curl -X DELETE "{PAGE}/files/old_folder" -H "Authorization: Bearer $API_KEY"', folder)
    equal((status, json.loads(body)["code"]), (409, "DIRECTORY_NOT_EMPTY"))
    for path in ["src%2Fnew_file.py", "old_folder?recursive=true"]:
        status, _, body = curl(
            f'curl -X DELETE "{PAGE}/files/{path}" \\\n  -H "Authorization: Bearer $API_KEY"', folder)
        equal((status, json.loads(body)["success"]), (200, True))
    status, _, body = curl(
        f'curl "{PAGE}/files/old_folder%2Fa.txt" -H "Authorization: Bearer $API_KEY"', folder)
    equal((status, json.loads(body)["error"]), (404, "Not Found"))
    status, _, body = curl(f'curl "{PAGE}/files?path=/src"', folder)
    equal((status, json.loads(body)["error"]), (401, "Unauthorized"))
