"""The document of a running application agrees with the security of each operation."""

import re

from fastapi.routing import APIRoute

from integration.api.transport.test_authentication_first import SIGNAL
from kit.gateway.in_process import InProcessGateway
from oms.api.app import served_routes


async def test_security_of_every_operation(gateway: InProcessGateway) -> None:
    document = await gateway.client.get("/openapi.json", key="")
    needing = 0
    for path, methods in document["paths"].items():
        target = re.sub(r"\{\w+\}", "1", path)
        for method, result in methods.items():
            bare = await gateway.client(method.upper(), target, key="")
            wrong = await gateway.client(method.upper(), target, key="oms_no-user-has-this-key")
            if SIGNAL.fullmatch(path):
                refused = [each.detail | {"request_id": None} for each in (bare, wrong)]
                assert (bare.status, wrong.status) == (401, 401), path
                assert refused[0] == refused[1], "nobody learns which credential was wrong"
            elif result["security"] and {} not in result["security"]:
                needing += 1
                assert (bare.status, bare.detail["code"]) == (401, "missing_api_key"), path
                assert (wrong.status, wrong.detail["code"]) == (401, "invalid_api_key"), path
                assert bare.headers["www-authenticate"] == "Bearer"
            else:
                assert str(bare.status) in result["responses"], path
                assert bare.status != 401, path
    assert needing > 60


async def test_statuses_of_refused_roles_are_documented(gateway: InProcessGateway) -> None:
    document = await gateway.client.get("/openapi.json", key="")
    key = await gateway.add_key("reader", "oms_reads-and-nothing-else", role="readonly")
    for path, methods in document["paths"].items():
        target = re.sub(r"\{\w+\}", "1", path)
        for method, result in methods.items():
            answer = await gateway.client(method.upper(), target, {}, key=key)
            assert str(answer.status) in result["responses"], (method, path, answer.status)
            assert answer.status != 500


async def test_routes_are_shared_by_all_applications(gateway: InProcessGateway) -> None:
    """A copy for each application would be built by its first request."""
    served = [each for each in gateway.app.routes if isinstance(each, APIRoute)]
    documented = [each for each in served if each.include_in_schema]
    assert list(map(id, documented)) == list(map(id, served_routes()))
