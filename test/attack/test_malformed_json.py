"""Bodies generated from the document's examples and mutated, for every operation with a body."""

import json
import random
from typing import Any

from kit.attack.access_cases import AccessCase, ccxt_trade_cases, command_cases, operation_cases
from kit.attack.json_mutations import JsonMutator
from kit.attack.report import ProgramCounts
from kit.attack.target import AttackTarget

LOGIN = {"user_name": "no-user", "password": "correct horse battery staple"}


def test_mutated_bodies(
    target: AttackTarget, counts: ProgramCounts, chosen: random.Random, size: int
) -> None:
    document = target.client.send("GET", "/openapi.json").body
    bases = _bases(target, document)
    mutator = JsonMutator(chosen)
    for number in range(size):
        base = bases[number % len(bases)]
        key = chosen.choice((target.trader_key, target.gateway.admin_api_key))
        raw = mutator.mutated_text(base.body)
        answer = target.client.send(base.method, base.target, key=key, raw=raw)
        counts.probes += 1
        counts.count(answer.status, answer.code)
        where = f"{base.method} {base.target} {raw[:300]!r}"
        if answer.status >= 500 and counts.unexpected:
            counts.expect(False, where)
        counts.expect("x-request-id" in answer.headers, f"no request id: {where}")
        counts.expect(_is_json(answer.text), f"no JSON: {where}: {answer.text[:200]}")


def _bases(target: AttackTarget, document: Any) -> list[AccessCase]:
    cases = (
        *operation_cases(target, document),
        *command_cases(target),
        *ccxt_trade_cases(target),
    )
    log_in = AccessCase(
        name="log_in",
        action="self",
        reach="none",
        of="own",
        method="POST",
        target="/auth/login-password",
        body=LOGIN,
    )
    bases = [case for case in cases if case.body is not None and case.of == "own"]
    return [log_in, *bases]


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
