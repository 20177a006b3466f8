"""What becomes of submissions, given what is known already: a pure rule, no database here.

The rule is asked again whenever the database knew more than was thought, so each answer follows
from the whole group: a submission that falls out because of its ``Idempotency-Key`` also takes its
request ids back, and who came later in the group sees what came before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from oms.ports.command_queue import EnqueueResult, IdempotencyKeyRow, NewCommand, Submission

#: (account id, request_id)
RequestKey = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKeys:
    """What the database holds: first commands by request id, used keys by scope."""

    requests: Mapping[RequestKey, tuple[int, str]] = field(default_factory=dict)
    keys: Mapping[str, IdempotencyKeyRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlan:
    """What to store, and what to answer once it is stored."""

    commands: Sequence[NewCommand]
    keys: Sequence[IdempotencyKeyRow]
    results: Sequence[EnqueueResult]


def plan_store(submissions: Sequence[Submission], known: StoredKeys) -> StorePlan:
    """What to store of ``submissions`` where ``known`` stands before them."""
    requests, keys = dict(known.requests), dict(known.keys)
    commands: list[NewCommand] = []
    new_keys: list[IdempotencyKeyRow] = []
    results: list[EnqueueResult] = []
    for submission in submissions:
        used = keys.get(submission.key.scope_hash) if submission.key is not None else None
        if used is not None:
            results.append(EnqueueResult(key=used))
            continue
        answer, fresh = _admitted(submission, requests)
        commands.extend(fresh)
        results.append(answer)
        if submission.key is not None:
            key = replace(submission.key, command_ids=answer.ids or submission.key.command_ids)
            keys[key.scope_hash] = key
            new_keys.append(key)
    return StorePlan(commands=commands, keys=new_keys, results=results)


def _admitted(
    submission: Submission, requests: dict[RequestKey, tuple[int, str]]
) -> tuple[EnqueueResult, list[NewCommand]]:
    """The answer to one submission and its new commands; ``requests`` learns of them."""
    ids: list[int] = []
    fresh: list[NewCommand] = []
    replayed: set[int] = set()
    mismatched: set[int] = set()
    stands_for: dict[int, int] = {}
    for index, command in enumerate(submission.commands):
        name = None if command.request_id is None else (command.account_id, command.request_id)
        first = None if name is None else requests.get(name)
        if first is None:
            if name is not None:
                requests[name] = (command.id, command.fingerprint)
            after = command.after_command_id
            if after in stands_for:
                command = replace(command, after_command_id=stands_for[after])
            fresh.append(command)
            ids.append(command.id)
            continue
        first_id, fingerprint = first
        stands_for[command.id] = first_id
        ids.append(first_id)
        (replayed if fingerprint == command.fingerprint else mismatched).add(index)
    stored = EnqueueResult(
        ids=tuple(ids), replayed=frozenset(replayed), mismatched=frozenset(mismatched)
    )
    return stored, fresh
