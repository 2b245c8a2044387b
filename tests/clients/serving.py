"""Starts the server and reads what it says at first."""

import re
import subprocess


def start(toolcell, state):
    """The process, and what it printed: organization, agent, environment, key (the first time), url."""
    server = subprocess.Popen(
        [toolcell, "--state", state, "serve", "--listen", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    found = {}
    for line in server.stderr:
        made = re.match(r"\s+(organization|agent|environment|key)\s+(\S+)$", line)
        if made:
            found[made[1]] = made[2]
        listening = re.match(r"listening on (\S+)", line)
        if listening:
            return server, {**found, "url": listening[1]}
    raise SystemExit(f"the server ended with {server.wait()}")
