"""Shared files in an S3 store that nobody here wrote: moto's server.

    python stores.py TOOLCELL MOTO_SERVER
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TOOLCELL, MOTO = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    port = free_port()
    moto = subprocess.Popen([MOTO, "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                bucket = urllib.request.Request(f"{endpoint}/shared-files", method="PUT")
                urllib.request.urlopen(bucket, timeout=5)
                break
            except OSError:
                time.sleep(0.1)
        environment = {
            **os.environ,
            "AWS_ENDPOINT": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        }

        def toolcell(state, *arguments):
            command = [TOOLCELL, "--state", state, "--store", "s3://shared-files/some/prefix"]
            done = subprocess.run(
                [*command, *arguments], env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
            return done.stdout

        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            toolcell(one, "exec", "start", "--id", "first")
            fill = "cd shared; mkdir d; echo small > d/s; head -c 20M /dev/urandom > big; md5sum big"
            digest = toolcell(one, "--execution", "first", "call", "Bash", f"command={fill}")
            assert "version 1" in toolcell(one, "exec", "finish", "first")
            # Another machine, which has nothing but the store.
            toolcell(other, "exec", "start", "--id", "second")
            check = "cd shared; md5sum big; rm big; echo more >> d/s"
            found = toolcell(other, "--execution", "second", "call", "Bash", f"command={check}")
            assert found == digest, (found, digest)
            assert "version 2" in toolcell(other, "exec", "finish", "second")
            history = toolcell(one, "history", "default", "--diff", "1..2")
            assert "D big" in history and "+more" in history, history
            assert "version 3" in toolcell(one, "restore", "default", "--version", "1")
    finally:
        moto.terminate()
        moto.wait(30)


main()
