"""The document of a running application: who needs a key is as it says, for every operation."""

import re

from kit.gateway.in_process import InProcessGateway


async def test_what_needs_a_key_and_what_does_not(gateway: InProcessGateway) -> None:
    document = await gateway.client.get("/openapi.json", key="")
    needing = 0
    for path, methods in document["paths"].items():
        target = re.sub(r"\{\w+\}", "1", path)
        for method, told in methods.items():
            bare = await gateway.client(method.upper(), target, key="")
            wrong = await gateway.client(method.upper(), target, key="oms_nobody-has-this-key")
            if told["security"] and {} not in told["security"]:
                needing += 1
                assert (bare.status, bare.detail["code"]) == (401, "missing_api_key"), path
                assert (wrong.status, wrong.detail["code"]) == (401, "invalid_api_key"), path
                assert bare.headers["www-authenticate"] == "Bearer"
            else:
                assert str(bare.status) in told["responses"], path
                assert bare.status != 401, path
    assert needing > 60


async def test_every_status_of_a_refused_role_is_told(gateway: InProcessGateway) -> None:
    document = await gateway.client.get("/openapi.json", key="")
    key = await gateway.add_key("reader", "oms_reads-and-nothing-else", role="readonly")
    for path, methods in document["paths"].items():
        target = re.sub(r"\{\w+\}", "1", path)
        for method, told in methods.items():
            answer = await gateway.client(method.upper(), target, {}, key=key)
            assert str(answer.status) in told["responses"], (method, path, answer.status)
            assert answer.status != 500
