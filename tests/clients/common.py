"""What the checks share: the server's address, and the loop's own calls."""

import os

import requests

URL = os.environ["TOOLCELL_URL"]
KEY = os.environ["TOOLCELL_KEY"]
ORGANIZATION = os.environ["TOOLCELL_ORGANIZATION"]
AGENT = os.environ["TOOLCELL_AGENT"]
ENVIRONMENT = os.environ["TOOLCELL_ENVIRONMENT"]
HEADERS = {"X-Api-Key": KEY}


def tool(execution, name, **values):
    """One tool call, as the loop that drives an execution makes it."""
    answer = requests.post(
        f"{URL}/toolcell/v1/executions/{execution}/tools/{name}", json=values, headers=HEADERS
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def text(result):
    return "\n".join(part["text"] for part in result["content"] if part["type"] == "text")


def finish(execution, **values):
    answer = requests.post(
        f"{URL}/toolcell/v1/executions/{execution}/finish", json=values, headers=HEADERS
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def equal(found, expected):
    assert found == expected, f"\n  found    {found!r}\n  expected {expected!r}"
