"""Drives `toolcell serve` with the vendors' own clients, the pages' curl examples, requests made from
its OpenAPI document, many clients at once with kills among them, and a store that nobody here wrote.

    python3 tests/clients/run.py TOOLCELL [FOLDER]

installs the clients below FOLDER (by default target/clients), starts the binary TOOLCELL on a free
port with a fresh state directory, and runs each check against it. Without a package registry, or
without pip, it says so in one line and ends with 0. A check that fails ends it with 1.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import venv

from serving import start

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = {
    "asteroid-odyssey": ["1.3.13", "1.6.905", "1.9.167"],
    "computer-agents": ["2.6.6", "2.6.1"],
}
# The last that runs on Node 20.
AZURITE = "3.35.0"
CHECKS = [
    ("asteroid_1_3.py", "asteroid-odyssey", "1.3.13"),
    ("asteroid_1_6.py", "asteroid-odyssey", "1.6.905"),
    ("asteroid_1_9.py", "asteroid-odyssey", "1.9.167"),
    ("computer_agents_sdk.py", "computer-agents", "2.6.6"),
    ("computer_agents_sdk.py", "computer-agents", "2.6.1"),
    ("files_page.py", None, None),
]


def install(folder):
    python = folder / "venv" / "bin" / "python"
    if not (folder / "done").exists():
        venv.create(folder / "venv", with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        for name, versions in CLIENTS.items():
            for version in versions:
                target = folder / f"{name}-{version}"
                subprocess.run(
                    [*pip, "--no-deps", "--target", target, f"{name}=={version}"], check=True
                )
        (folder / "done").touch()
    return python


def install_azurite(folder):
    """Azurite's program; none, in a line, where there is no npm or no package registry."""
    program = folder / "azurite" / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists():
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"azurite@{AZURITE}"]
        try:
            (folder / "azurite").mkdir(exist_ok=True)
            subprocess.run(
                [*npm, "--prefix", folder / "azurite"], check=True, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, timeout=300,
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"skipped: Azurite cannot be installed: {error}")
            return []
    return [program]


def run(failed, name, command, log=None, environment=None):
    """Runs a check; what it prints goes to the file `log`, and is shown when it fails. Such a check
    works in the log's folder: it may leave files of its own."""
    output = open(log, "w") if log else None
    folder = log.parent if log else None
    done = subprocess.run(command, env=environment, stdout=output, stderr=output, cwd=folder)
    print(f"{'ok' if done.returncode == 0 else 'FAILED'}: {name}", flush=True)
    if done.returncode != 0:
        failed.append(name)
        if log:
            print(log.read_text()[-20_000:])


def main():
    toolcell = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "target/clients").resolve()
    try:
        python = install(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"skipped: the clients cannot be installed ({error})")
        return 0
    failed = []
    with tempfile.TemporaryDirectory() as state:
        server, made = start(toolcell, state)
        try:
            for script, client, version in CHECKS:
                environment = {
                    **os.environ,
                    **{f"TOOLCELL_{name.upper()}": value for name, value in made.items()},
                    "CLIENT_VERSION": version or "",
                    "PYTHONPATH": str(folder / f"{client}-{version}") if client else "",
                    "PYTHONDONTWRITEBYTECODE": "1",
                }
                name = f"{script} {version or ''}".strip()
                run(failed, name, [python, HERE / script], environment=environment)
            documented = [
                folder / "venv" / "bin" / "schemathesis",
                "run",
                made["url"] + "/openapi.json",
                *["-H", f"Authorization: Bearer {made['key']}"],
                *["--phases", "examples,coverage,fuzzing", "--max-examples", "5"],
                # These answer when something happens, or after 25 seconds.
                *["--exclude-path-regex", "/(events|sync)$"],
                "--checks",
                "not_a_server_error,status_code_conformance,content_type_conformance,"
                "response_schema_conformance",
                *["--request-timeout", "30", "--suppress-health-check", "all"],
            ]
            run(failed, "the OpenAPI document", documented, folder / "schemathesis.log")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
    moto = folder / "venv" / "bin" / "moto_server"
    stores = [moto, *install_azurite(folder)]
    names = " and ".join(["S3 by moto", "Azure by Azurite"][: len(stores)])
    run(failed, names, [python, HERE / "stores.py", toolcell, *stores])
    run(failed, "load and kills", [python, HERE / "load.py", toolcell, "10", "30"])
    return 1 if failed else 0


sys.exit(main())
