"""Executes the Dockerfile and the compose file on a machine without a container engine.

    make image-proof                     all of it; about five minutes, the first time more

Each stage of `apps/Dockerfile` is built in a copy of a Debian that debootstrap has made: every
instruction, as the image's user, with its environment. Then each service of
`docker-compose.stack.yml` starts with its own command, environment, volumes and health check
against a real MariaDB, in a network of its own; the first key is created as
docs/operations/single-host.md says, an order is filled with it, and after a restart of all services
the deal is still there. Needs root, and packages of Debian, PyPI and npm. What only an engine can
show is named in docs/operations/single-host.md. Exit status 1: a step failed, which is printed.
"""

import json
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
CHECKOUT = FOLDER.parents[1]
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from builder import Image, ImageBuilder  # noqa: E402
from compose import Service, read_services, start_order  # noqa: E402
from dockerfile import read_stages  # noqa: E402
from folders import StepFailed, make_base, run_step  # noqa: E402
from services import Stack  # noqa: E402

WORK = CHECKOUT / "build" / "image"
RECORD = WORK / "image.json"
GUIDE = CHECKOUT / "docs" / "operations" / "single-host.md"
FIRST_KEY = "install --with-account --label first"
#: The services that stay, in the order in which they start.
LONG_RUNNING = ("api", "worker", "runner")
API = "http://127.0.0.1:8000"
#: Mounts, and the network of the services, end with the process that `unshare` starts.
PARTS = {"build": ["--mount"], "services": ["--mount", "--net"]}
SECONDS_MAX = 20.0


def main(arguments: list[str]) -> int:
    """Runs one part, or all parts in namespaces of their own. Returns the exit status."""
    started_at = time.monotonic()
    try:
        if arguments == ["build"]:
            build()
        elif arguments == ["services"]:
            prove_services(Image(**_read_record()))
        else:
            make_base(WORK / "base")
            for part, namespaces in PARTS.items():
                enter = ["unshare", *namespaces, "--propagation", "private"]
                if subprocess.run([*enter, sys.executable, __file__, part]).returncode != 0:
                    return 1
            print(f"image-proof: passed in {time.monotonic() - started_at:.0f} s")
    except StepFailed as error:
        print(f"image-proof: {error}", file=sys.stderr)
        return 1
    return 0


def build() -> None:
    """Builds all stages and records what the last one declares."""
    builder = ImageBuilder(CHECKOUT, WORK / "base", WORK / "stages")
    for stage in read_stages(CHECKOUT / "apps" / "Dockerfile"):
        image = builder.build(stage)
    RECORD.write_text(json.dumps(asdict(image) | {"root": str(image.root)}))


def prove_services(image: Image) -> None:
    """Starts all services, trades with the first key, and does so again after a restart."""
    run_step(["ip", "link", "set", "lo", "up"])
    folder = WORK / "stack"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    variables = {"OMS_DB_PASSWORD": secrets.token_hex(16)}
    services = read_services(CHECKOUT / "docker-compose.stack.yml", variables)
    stack = Stack(CHECKOUT, folder, image, services)
    try:
        _start(stack, services)
        if FIRST_KEY not in GUIDE.read_text():
            raise StepFailed(f"{GUIDE} does not create the first key with: {FIRST_KEY}")
        answer = json.loads(stack.run_once("api", FIRST_KEY.split()))
        key, admin = answer["api_key"]["plain"], answer["admin"]["api_key"]
        account_id = _create_account(answer["api_key"]["id"], admin)
        _fill_order(key, account_id, "image-proof-1")
        for name in reversed(LONG_RUNNING):
            status = stack.stop(name)
            print(f"{name}: ended with status {status} after SIGTERM", flush=True)
            if status not in (0, -15, 143):
                raise StepFailed(f"{name} ended with status {status}:\n{stack.log_of(name)}")
        for name in LONG_RUNNING:
            stack.start(name)
            stack.await_healthy(name)
        _fill_order(key, account_id, "image-proof-2")
        deals = _request(
            key, f"/oms/deals?account_ids={account_id}&start_date=2000-01-01&end_date=2100-01-01"
        )["items"]
        print(f"deals after the restart: {len(deals)}", flush=True)
        if len(deals) != 2:
            raise StepFailed(f"two deals were expected: {deals}")
    finally:
        stack.close()


def _start(stack: Stack, services: dict[str, Service]) -> None:
    for name in start_order(services):
        started_at = time.monotonic()
        stack.start(name)
        if name in LONG_RUNNING:
            stack.await_healthy(name)
        print(f"{name}: ready after {time.monotonic() - started_at:.1f} s", flush=True)


def _create_account(key_id: int, admin: str) -> int:
    """A paper account whose price is set by a request: here is no network to read one from."""
    paper = {"oms": {"paper": {"source": "manual"}}}
    body = {"exchange_id": "paper.binance", "label": "manual", "extra_config_json": paper}
    account_id = _request(admin, "/admin/accounts", body)["account_id"]
    permission = {"account_id": account_id, "can_trade": True}
    _request(admin, f"/admin/api-keys/{key_id}/permissions", permission, method="PUT")
    price = {"account_id": account_id, "symbol": "BTC/USDT:USDT", "price": "50000"}
    _request(admin, "/paper/price?wait_ms=5000", price)
    return int(account_id)


def _fill_order(key: str, account_id: int, request_id: str) -> None:
    payload = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
    command = {"account_id": account_id, "request_id": request_id, "command": "send_order"}
    answer = _request(key, "/oms/commands?wait_ms=10000", command | {"payload": payload})
    (result,) = answer["results"]
    status = result.get("order", {}).get("status")
    print(f"{request_id}: order {result.get('order_id')} is {status}", flush=True)
    if status != "FILLED":
        raise StepFailed(f"the order was not filled: {answer}")


def _request(key: str, path: str, body: Any = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"x-api-key": key, "content-type": "application/json"}
    request = urllib.request.Request(API + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise StepFailed(f"{path}: {error.code} {error.read().decode()}") from error


def _read_record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RECORD.read_text())
    return record | {"root": Path(record["root"])}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
