"""Loads the server with many clients at once, kills it, and looks whether anything is lost.

    python load.py TOOLCELL [SECONDS] [CLIENTS]

Clients upload, list, download and call tools; no request may fail. In the middle of it the server is
killed (SIGKILL) and started again: every upload that was acknowledged is there with its bytes, and
nothing else is.
"""

import asyncio
import hashlib
import os
import pathlib
import random
import re
import signal
import sys
import tempfile

import httpx
from serving import start

TOOLCELL = pathlib.Path(sys.argv[1]).resolve()
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 10
CLIENTS = int(sys.argv[3]) if len(sys.argv) > 3 else 50


def memory(server):
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024


async def client(number, http, found, until, acknowledged, begun, count):
    files = f"/v1/environments/{found['environment']}/files"
    chance = random.Random(number)
    started = await http.post(f"/agents/v2/agents/{found['agent']}/execute", json={})
    assert started.status_code == 202, started.text
    execution = started.json()["executionId"]
    turn = 0
    while asyncio.get_running_loop().time() < until:
        turn += 1
        path = f"c{number}/f{turn % 7}.txt"
        kind = chance.random()
        if kind < 0.4:
            content = os.urandom(chance.randrange(1, 20_000))
            # Either of the two is right until the answer is here.
            begun[path] = (acknowledged.get(path), hashlib.sha256(content).hexdigest())
            done = await http.put(
                f"{files}/{path}", content=content, headers={"content-type": "text/plain"}
            )
            assert done.status_code == 200, done.text
            acknowledged[path] = begun.pop(path)[1]
        elif kind < 0.6:
            done = await http.get(f"{files}?path=c{number}")
            assert done.status_code in (200, 404), done.text
        elif kind < 0.8 and acknowledged.get(path):
            done = await http.get(f"{files}/{path}")
            assert hashlib.sha256(done.content).hexdigest() == acknowledged[path]
        else:
            done = await http.post(
                f"/toolcell/v1/executions/{execution}/tools/Bash",
                json={"command": f"echo {turn} >> workspace/log; wc -l < workspace/log"},
            )
            assert done.status_code == 200 and not done.json()["is_error"], done.text
        count[0] += 1
    ended = await http.post(f"/toolcell/v1/executions/{execution}/finish", json={})
    assert ended.status_code == 200, ended.text


async def load(found, seconds, acknowledged, begun, kill=None):
    limits = httpx.Limits(max_connections=CLIENTS)
    headers = {"authorization": f"Bearer {found['key']}"}
    count = [0]
    async with httpx.AsyncClient(
        base_url=found["url"], headers=headers, limits=limits, timeout=60
    ) as http:
        until = asyncio.get_running_loop().time() + seconds
        clients = [
            client(number, http, found, until, acknowledged, begun, count)
            for number in range(CLIENTS)
        ]
        tasks = [asyncio.ensure_future(one) for one in clients]
        if kill:
            await asyncio.sleep(seconds / 2)
            kill()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    return count[0], [result for result in results if isinstance(result, BaseException)]


def verify(found, acknowledged, begun):
    headers = {"authorization": f"Bearer {found['key']}"}
    with httpx.Client(base_url=found["url"], headers=headers, timeout=60) as http:
        files = f"/v1/environments/{found['environment']}/files"
        listed = http.get(f"{files}?recursive=true").json()["data"]
        there = {entry["path"].lstrip("/") for entry in listed if entry["type"] == "file"}
        expected = {path for path, digest in acknowledged.items() if digest}
        assert expected <= there, f"lost: {expected - there}"
        assert there <= expected | set(begun), f"never sent: {there - expected - set(begun)}"
        for path in there:
            digest = hashlib.sha256(http.get(f"{files}/{path}").content).hexdigest()
            right = begun.get(path, (None, acknowledged.get(path)))
            assert digest in (*right, acknowledged.get(path)), f"{path} has other bytes"
        return len(there)


def main():
    with tempfile.TemporaryDirectory() as state:
        found, acknowledged, begun = {}, {}, {}
        server, now = start(TOOLCELL, state)
        found.update(now)
        before = memory(server)
        count, failed = asyncio.run(load(found, SECONDS / 2, acknowledged, begun))
        middle = memory(server)
        assert not failed, failed[:3]
        more, failed = asyncio.run(load(found, SECONDS / 2, acknowledged, begun))
        assert not failed, failed[:3]
        print(
            f"{CLIENTS} clients, {SECONDS:g} s: {count + more} requests without an error, "
            f"memory {before} -> {middle} -> {memory(server)} MiB"
        )
        rounds, kept = 3, 0
        for _ in range(rounds):
            kill = lambda: server.send_signal(signal.SIGKILL)
            asyncio.run(load(found, 4, acknowledged, begun, kill))
            server.wait()
            server, now = start(TOOLCELL, state)
            found.update(now)
            kept = verify(found, acknowledged, begun)
            # What was on its way is known now.
            for path in list(begun):
                begun.pop(path)
                acknowledged.pop(path, None)
            headers = {"authorization": f"Bearer {found['key']}"}
            with httpx.Client(base_url=found["url"], headers=headers, timeout=60) as http:
                files = f"/v1/environments/{found['environment']}/files"
                for entry in http.get(f"{files}?recursive=true").json()["data"]:
                    path = entry["path"].lstrip("/")
                    if entry["type"] == "file" and path not in acknowledged:
                        content = http.get(f"{files}/{path}").content
                        acknowledged[path] = hashlib.sha256(content).hexdigest()
        print(f"killed {rounds} times under load: {kept} files, none lost, none half")
        server.send_signal(signal.SIGTERM)
        server.wait(60)


main()
