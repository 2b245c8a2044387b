"""Shared files, environments and archives in stores that nobody here wrote: moto's S3 server, and
Microsoft's Azurite where it is installed.

    python stores.py TOOLCELL MOTO_SERVER [AZURITE_BLOB]
"""

import base64
import datetime
import hashlib
import hmac
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TOOLCELL, *SERVERS = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])

# The account that every Azurite has; it is no secret.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until_it_answers(request):
    for _ in range(200):
        try:
            urllib.request.urlopen(request(), timeout=5)
            return
        except urllib.error.HTTPError as error:
            raise SystemExit(f"the store does not take requests: {error.read()}")
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the store does not answer")


def s3(server, folder):
    port = free_port()
    process = subprocess.Popen([server, "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    until_it_answers(lambda: urllib.request.Request(f"{endpoint}/files", method="PUT"))
    return process, "s3://files/some/prefix", {
        "AWS_ENDPOINT": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
    }


def azure(server, folder):
    port = free_port()
    process = subprocess.Popen(
        [server, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", folder,
         "--silent", "--skipApiVersionCheck"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"

    def container():
        """A request that makes the container, signed as Azure's shared keys want it."""
        date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = f"x-ms-date:{date}\nx-ms-version:2021-12-02\n"
        resource = f"/{ACCOUNT}/{ACCOUNT}/files\nrestype:container"
        text = "PUT" + "\n" * 12 + headers + resource
        key = hmac.new(base64.b64decode(ACCOUNT_KEY), text.encode(), hashlib.sha256).digest()
        request = urllib.request.Request(
            f"{endpoint}/{ACCOUNT}/files?restype=container", method="PUT")
        request.add_header("x-ms-date", date)
        request.add_header("x-ms-version", "2021-12-02")
        request.add_header("Authorization", f"SharedKey {ACCOUNT}:{base64.b64encode(key).decode()}")
        return request

    until_it_answers(container)
    return process, "az://files/some/prefix", {
        "AZURE_STORAGE_USE_EMULATOR": "true",
        "AZURITE_BLOB_STORAGE_URL": endpoint,
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
        "AZURE_ALLOW_HTTP": "true",
    }


def check(url, settings):
    def toolcell(state, *arguments):
        command = [TOOLCELL, "--state", state, "--store", url, *arguments]
        environment = {**os.environ, **settings}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        toolcell(one, "exec", "start", "--id", "first", "--environment", "env")
        fill = (
            "cd shared; mkdir d; echo small > d/s; head -c 20M /dev/urandom > big; md5sum big;"
            " echo seen > /workspace/note; ln -s note /workspace/link"
        )
        digest = toolcell(one, "--execution", "first", "call", "Bash", f"command={fill}")
        assert "version 1" in toolcell(one, "exec", "finish", "first")
        # Another machine, which has nothing but the store.
        toolcell(other, "exec", "start", "--id", "second", "--environment", "env")
        change = "cd shared; md5sum big; rm big; echo more >> d/s"
        found = toolcell(other, "--execution", "second", "call", "Bash", f"command={change}")
        assert found == digest, (found, digest)
        seen = toolcell(other, "--execution", "second", "call", "Bash", "command=cat /workspace/link")
        assert seen == "seen\n", seen
        assert "version 2" in toolcell(other, "exec", "finish", "second")
        history = toolcell(one, "history", "default", "--diff", "1..2")
        assert "D big" in history and "+more" in history, history
        assert "version 3" in toolcell(one, "restore", "default", "--version", "1")
        # What stays of a run is seen from everywhere.
        toolcell(one, "exec", "remove", "first")
        assert "shared/big" in toolcell(other, "--execution", "first", "journal")
        # The content of version 1 is that of version 3.
        pruned = toolcell(one, "prune", "--keep", "1", "--older-than", "0")
        assert "version 2 of default's shared files" in pruned, pruned
        toolcell(other, "exec", "start", "--id", "third")
        check = "command=md5sum shared/big | sed s,shared/,,"
        assert toolcell(other, "--execution", "third", "call", "Bash", check) == digest


for begin, server in zip([s3, azure], SERVERS):
    with tempfile.TemporaryDirectory() as folder:
        process, url, settings = begin(server, folder)
        try:
            check(url, settings)
        finally:
            process.terminate()
            process.wait(30)
