"""Deduplication of submissions against stored and preceding ones, as pure functions.

The plan is recomputed for the whole group whenever more stored keys are found: a submission dropped
because of its ``Idempotency-Key`` also releases its request ids, and later submissions of a group
see the earlier ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from oms.ports.command_queue import (
    EnqueueResult,
    IdempotencyKeyRow,
    NewCommand,
    StoredSignal,
    Submission,
)
from oms.ports.signals.stored_signals import NewSignal

#: (account id, request_id)
RequestKey = tuple[int, str]
#: (source id, dedupe key), or (source id, hash of the body) of a signal without one
SignalKey = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKeys:
    """Stored keys: first commands (id, fingerprint) by request id, used keys by scope hash, signals
    by what makes another one their repeat.
    """

    requests: Mapping[RequestKey, tuple[int, str]] = field(default_factory=dict)
    keys: Mapping[str, IdempotencyKeyRow] = field(default_factory=dict)
    signals: Mapping[SignalKey, StoredSignal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlan:
    """Rows to store and the results to return once they are stored."""

    commands: Sequence[NewCommand]
    keys: Sequence[IdempotencyKeyRow]
    results: Sequence[EnqueueResult]
    signals: Sequence[NewSignal] = ()


def plan_store(submissions: Sequence[Submission], stored: StoredKeys) -> StorePlan:
    """Return the rows to store of ``submissions``, given the ``stored`` keys."""
    requests, keys, signals = dict(stored.requests), dict(stored.keys), dict(stored.signals)
    commands: list[NewCommand] = []
    new_keys: list[IdempotencyKeyRow] = []
    new_signals: list[NewSignal] = []
    results: list[EnqueueResult] = []
    for submission in submissions:
        used = keys.get(submission.key.scope_hash) if submission.key is not None else None
        if used is not None:
            results.append(EnqueueResult(key=used))
            continue
        if submission.signal is not None:
            repeated = _take_signal(submission.signal, signals)
            if repeated is not None:
                results.append(EnqueueResult(signal=repeated))
                continue
            new_signals.append(submission.signal)
        result, new = _deduplicate(submission, requests)
        commands.extend(new)
        results.append(result)
        if submission.key is not None:
            key = replace(submission.key, command_ids=result.ids or submission.key.command_ids)
            keys[key.scope_hash] = key
            new_keys.append(key)
    return StorePlan(commands=commands, keys=new_keys, results=results, signals=new_signals)


def signal_key(signal: NewSignal) -> SignalKey | None:
    """Return what makes another signal a repeat of this one; ``None``: nothing does."""
    first = signal.first
    if first.dedupe_key is not None:
        return first.source_id, first.dedupe_key
    return None if signal.same_body_since is None else (first.source_id, first.payload_hash)


def _take_signal(signal: NewSignal, signals: dict[SignalKey, StoredSignal]) -> StoredSignal | None:
    """Return the signal that ``signal`` repeats; ``None``, and it is added, if there is none."""
    name = signal_key(signal)
    if name is None:
        return None
    if name not in signals:
        signals[name] = StoredSignal(
            group_signal_id=signal.first.id, payload_hash=signal.first.payload_hash
        )
        return None
    return signals[name]


def _deduplicate(
    submission: Submission, requests: dict[RequestKey, tuple[int, str]]
) -> tuple[EnqueueResult, list[NewCommand]]:
    """Return the result of one submission and its new commands; adds them to ``requests``."""
    ids: list[int] = []
    new: list[NewCommand] = []
    replayed: set[int] = set()
    mismatched: set[int] = set()
    first_ids: dict[int, int] = {}
    for index, command in enumerate(submission.commands):
        name = None if command.request_id is None else (command.account_id, command.request_id)
        first = None if name is None else requests.get(name)
        if first is None:
            if name is not None:
                requests[name] = (command.id, command.fingerprint)
            after = command.after_command_id
            if after in first_ids:
                command = replace(command, after_command_id=first_ids[after])
            new.append(command)
            ids.append(command.id)
            continue
        first_id, fingerprint = first
        first_ids[command.id] = first_id
        ids.append(first_id)
        (replayed if fingerprint == command.fingerprint else mismatched).add(index)
    result = EnqueueResult(
        ids=tuple(ids), replayed=frozenset(replayed), mismatched=frozenset(mismatched)
    )
    return result, new
