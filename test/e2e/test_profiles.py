"""Each profile starts as the page of the configuration says, and executes its first signal."""

import json
from collections.abc import Callable

import pytest

from kit.gateway.processes import Gateway
from kit.gateway.shell import Shell
from kit.gateway.signal_senders import BOUNCE
from kit.http.client import call

DATABASES = {"dev": "sqlite", "paper-server": "sqlite", "live": "mariadb"}
MANUAL = json.dumps({"oms": {"paper": {"source": "manual"}}})


@pytest.mark.parametrize("profile", DATABASES)
def test_a_profile_starts_and_executes_its_first_signal(
    profile: str, gateway_on: Callable[..., Gateway]
) -> None:
    made = gateway_on(DATABASES[profile], starts=False, environment={"OMS_PROFILE": profile})
    if profile == "live":
        made.folder.mkdir()
        first = Shell(made.environment, made.folder)
        assert "generate-master-key --into-file" in first.run("up", status=2).err
        first.run("generate-master-key", "--into-file")
    made.start()
    keys = {"OMS_BASE_URL": made.base_url, "OMS_API_KEY": made.api_key}
    shell = Shell({**made.environment, **keys}, made.folder)
    _run_first_signal(made, shell, preset="open" if profile == "dev" else "standard")
    lines = [
        line for line in made.log.read_text(encoding="utf-8").splitlines() if "_started" in line
    ]
    assert lines and {line.startswith("{") for line in lines} == {profile != "dev"}


def _run_first_signal(made: Gateway, shell: Shell, *, preset: str) -> None:
    """Post the first alert on an account of its own, at a price of 100."""
    options = ("--exchange-id=paper.binance", "--label=first", f"--extra-config={MANUAL}")
    added = shell.run("add-account", "--user-id=2", *options).answer
    assert added["risk_preset"] == preset
    account = f"--account-id={added['account_id']}"
    shell.run("paper", "price", account, "--symbol=BTC/USDT", "--price=100")
    sizing = ("--sizing", "qty", "1")
    source = ("--name=bounce", "--kind=bounce", account, *sizing)
    key = f"--api-key={made.admin_api_key}"
    token = shell.run("source", "add", *source, key).answer["path_token"]
    status, answer, _ = call(made, "POST", f"/in/{token}/signals/bounce", BOUNCE, key="")
    assert (status, answer["status"], answer["risk_ok"]) == (200, "done", True), answer
    assert (answer["tp_price"], answer["sl_price"]) == ("104.5", "98.5")
    held = shell.run("positions-open", f"--account-ids={added['account_id']}").answer["items"]
    assert [row["id"] for row in held] == [answer["position_id"]]
