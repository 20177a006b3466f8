"""The request of ``oms preview``: the order of ``oms send-order``, to the preview."""

from typing import Any

import pytest

from oms.cli import network
from oms.cli.main import main

TERMS = "--time-in-force GTD --expires-at z --session-policy queue_until_open"
ORDER = "--account-id 1 --symbol A/B --side buy --order-type limit --qty 1 --price 2"


def test_a_preview_carries_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    def keep(_parsed: Any, *request: Any) -> dict[str, Any]:
        sent.append(request)
        return {"results": []}

    monkeypatch.setattr(network, "request", keep)
    main(f"send-order {ORDER} {TERMS} --bracket-stop-loss 5% --wait-ms 7".split())
    main(f"preview {ORDER} {TERMS} --bracket-stop-loss 5% --wait-ms 7".split())
    order, preview = sent
    assert order == ("POST", "/oms/commands", {"wait_ms": 7}, order[3])
    assert preview == ("POST", "/oms/commands/preview", {"wait_ms": 7}, order[3])
    payload = preview[3]["payload"]
    assert (payload["time_in_force"], payload["expires_at"]) == ("GTD", "z")
    assert payload["session_policy"] == "queue_until_open"
