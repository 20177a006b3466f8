"""The quickstart with ``oms up``: printed commands work when pasted, and processes are supervised.

One gateway is started in an empty folder as a user starts it. Whatever happens to one of its
processes (killed, stopped, asked to end) must never require a second command, and never leave a
process behind.
"""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from kit.gateway.processes import Gateway
from kit.http.client import get, post_order
from kit.machine_load import LoadMeter, stretch
from kit.polling import wait_until

KEYS = ["base_url", "account_id", "accounts", "api_key", "admin_api_key", "symbol"]
END_SECONDS_MAX = 5.0
KEY = re.compile(r"oms_[A-Za-z0-9_-]{43}")


@pytest.fixture(scope="module")
def gateway(supervised_gateway: Gateway) -> Gateway:
    """A gateway whose processes are started again when they have ended."""
    return supervised_gateway


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways that a test may end; all of them share one folder.

    Its database is migrated before, except with ``in_empty_folder``.
    """
    made: list[Gateway] = []

    def start(*, in_empty_folder: bool = False) -> Gateway:
        made.append(Gateway(tmp_path, is_forked=False))  # As a user starts it.
        made[-1].start(copies_schema=not in_empty_folder)
        return made[-1]

    yield start
    for gateway in made:
        gateway.stop()


def test_the_printed_curl_shows_a_filled_order_its_deal_and_its_position(gateway: Gateway) -> None:
    (command,) = _printed(gateway, "curl ")
    answer = _pasted(command, gateway)
    first, second = (json.loads(line) for line in answer.splitlines())
    (result,) = first["results"]
    (deal,) = result["deals"]
    assert result["order"]["status"] == "FILLED"
    assert deal["order_id"] == result["order_id"]
    assert deal["position_id"] in [position["id"] for position in second["items"]]


def test_the_printed_python_sends_an_order(gateway: Gateway) -> None:
    (command,) = [text for text in _printed(gateway, "") if "OmsCcxtExchange" in text]
    assert "'status': 'closed'" in _pasted(command, gateway)


def test_the_printed_lines_receive_events(gateway: Gateway) -> None:
    (text,) = [text for text in _printed(gateway, "") if "-m websockets" in text]
    command, auth, subscribe = text.splitlines()
    with subprocess.Popen(
        ["timeout", "30", "bash", "-c", f"exec {command}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as listener:
        assert listener.stdin is not None and listener.stdout is not None
        listener.stdin.write(f"{auth}\n{subscribe}\n")
        lines = list(takewhile(lambda line: "snapshot_done" not in line, listener.stdout))
        post_order(gateway, gateway.account_id)
        events = list(takewhile(lambda line: "deal_created" not in line, listener.stdout))
        listener.terminate()
    assert any('"authenticated"' in line for line in lines)
    assert any("order_submitted" in line for line in events)


def test_the_file_of_keys_is_readable_by_the_owner_only(gateway: Gateway) -> None:
    path = gateway.data_folder / "first-run.json"
    first_run = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(first_run) == KEYS
    assert list(first_run["accounts"]) == ["hedge", "netting"]
    assert first_run["account_id"] == first_run["accounts"]["hedge"]
    assert KEY.fullmatch(first_run["api_key"]) and KEY.fullmatch(first_run["admin_api_key"])
    modes = {
        row["account_id"]: row["position_mode"] for row in get(gateway, "/oms/accounts")["items"]
    }
    assert [modes[first_run["accounts"][mode]] for mode in ("hedge", "netting")] == [
        "hedge",
        "netting",
    ]


def test_no_key_is_in_the_log(gateway: Gateway) -> None:
    text = gateway.log.read_text()
    logged = [line for line in text.splitlines() if re.search(r" (INFO|WARNING|ERROR) \[", line)]
    assert logged
    assert [line for line in logged if KEY.search(line)] == []


def test_a_taken_port_is_reported_in_one_line(gateway: Gateway, tmp_path: Path) -> None:
    taken = gateway.environment | {"OMS_HOME": str(tmp_path / "other")}
    done = subprocess.run(
        [sys.executable, "-m", "oms", "up"],
        env=taken,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "OMS_PORT" in line and str(gateway.port) in line


def test_one_folder_has_one_gateway(gateway: Gateway) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "oms", "up", "--port", "0"],
        env=gateway.environment,
        cwd=gateway.folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "OMS_HOME" in done.stderr
    assert get(gateway, "/healthz")["status"] == "ok"


@pytest.mark.parametrize("role", ["worker", "api"])
def test_a_killed_process_is_started_again(gateway: Gateway, role: str) -> None:
    killed = gateway.kill(role)
    answer = post_order(gateway, gateway.account_id, wait_ms=20_000)
    assert answer["results"][0]["order"]["status"] == "FILLED"
    assert gateway.pid(role) != killed


@pytest.mark.parametrize("role", ["worker", "api"])
def test_a_stopped_process_is_ended_and_started_again(gateway: Gateway, role: str) -> None:
    stopped = gateway.pid(role)
    os.kill(stopped, signal.SIGSTOP)
    wait_until(lambda: not _is_alive(stopped), stretch(12), f"the stopped {role} is ended")
    answer = post_order(gateway, gateway.account_id, wait_ms=20_000)
    assert answer["results"][0]["order"]["status"] == "FILLED"
    assert gateway.pid(role) != stopped


def test_a_second_start_finds_everything_again(own: Callable[..., Gateway]) -> None:
    first = own(in_empty_folder=True)
    order_id = post_order(first, first.account_id)["results"][0]["order_id"]
    before = json.loads((first.data_folder / "first-run.json").read_text())
    first.stop()
    second = own()
    after = json.loads((second.data_folder / "first-run.json").read_text())
    assert after["base_url"] == second.base_url != before["base_url"]
    assert {**after, "base_url": ""} == {**before, "base_url": ""}
    (order,) = get(second, f"/oms/orders/{order_id}")["items"]
    assert order["status"] == "FILLED"
    assert len(get(second, "/oms/accounts")["items"]) == 2
    assert second.base_url in _printed(second, "curl ")[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_everything_within_five_seconds(
    number: signal.Signals, own: Callable[..., Gateway]
) -> None:
    gateway = own()
    children = [gateway.pid("api"), gateway.pid("worker")]
    _wait_for_outcomes_that_take_long(gateway)
    with LoadMeter() as load:
        began = time.monotonic()
        os.killpg(gateway.supervisor.pid, number)  # As a terminal does.
        assert gateway.supervisor.wait(60) == 0
        took = time.monotonic() - began
    assert took < load.stretch(END_SECONDS_MAX)
    assert not any(_is_alive(pid) for pid in children)
    assert "restarting it" not in gateway.log.read_text()


def test_a_stopped_process_does_not_delay_the_end(own: Callable[..., Gateway]) -> None:
    gateway = own()
    children = [gateway.pid("api"), gateway.pid("worker")]
    os.kill(children[1], signal.SIGSTOP)
    with LoadMeter() as load:
        began = time.monotonic()
        gateway.supervisor.send_signal(signal.SIGINT)
        assert gateway.supervisor.wait(60) == 0
        took = time.monotonic() - began
    assert took < load.stretch(END_SECONDS_MAX)
    assert not any(_is_alive(pid) for pid in children)


def test_no_process_outlives_a_killed_supervisor(own: Callable[..., Gateway]) -> None:
    gateway = own()
    children = [gateway.pid("api"), gateway.pid("worker")]
    os.kill(children[0], signal.SIGSTOP)
    gateway.supervisor.kill()
    gateway.supervisor.wait(60)
    wait_until(
        lambda: not any(_is_alive(pid) for pid in children), stretch(5), "a child process is left"
    )
    again = own()
    assert get(again, "/healthz")["status"] == "ok"


def test_it_works_on_mariadb_too(gateway_on: Any) -> None:
    gateway: Gateway = gateway_on("mariadb", starts=False)
    gateway.start(copies_schema=False)
    (command,) = _printed(gateway, "curl ")
    assert '"status":"FILLED"' in _pasted(command, gateway)
    assert not (gateway.data_folder / "oms.sqlite3").exists()


def _printed(gateway: Gateway, beginning: str) -> list[str]:
    """Return what was printed between empty lines and begins so, in order."""
    text = gateway.log.read_text()
    blocks = re.findall(r"^\S.*?(?=\n\n)", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if block.startswith(beginning)]


def _pasted(command: str, gateway: Gateway) -> str:
    """Return what a shell answers to the pasted command."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=gateway.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _wait_for_outcomes_that_take_long(gateway: Gateway) -> None:
    """Leave a client waiting for events that do not come: it must not delay the end."""
    url = f"{gateway.base_url}/oms/events?account_ids={gateway.account_id}&wait_ms=30000"
    waiting = subprocess.Popen(
        ["curl", "-s", "-m", "30", url, "-H", f"x-api-key: {gateway.api_key}"],
        stdout=subprocess.DEVNULL,
    )
    gateway._processes.append(("curl", waiting))


def _is_alive(pid: int) -> bool:
    """Return whether the process still runs, or could resume: a zombie does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"
