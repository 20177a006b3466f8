"""Checkpoints: signed ends of the hash chains, to be kept outside the database.

Write access to the whole database permits recomputing its chains. The signature needs the master
key, which the database does not contain: a chain that was recomputed, or cut at its end, does not
have the hash that an earlier checkpoint recorded.
"""

from dataclasses import dataclass
from typing import Any

from oms.domain.errors import Conflict, Invalid
from oms.ports.audit_log import AUDIT_CHAIN_ID, COMMAND_CHAIN_ID, AuditLog, ChainHead
from oms.ports.clock import Clock
from oms.ports.command_chain import CommandChain
from oms.ports.vault import Signer
from oms.services.verify.findings import Finding, compare_values, make_finding
from oms.wire.json import NotJson, canonical_json, loads, time_text

FORMAT = "oms-audit-checkpoint-1"
CHAINS = {"audit_log": AUDIT_CHAIN_ID, "oms_commands": COMMAND_CHAIN_ID}
_KEYS = {"format", "at", "installation", "chains", "key_id", "signature"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """Makes and checks checkpoints of one database."""

    audit_log: AuditLog
    command_chain: CommandChain
    signer: Signer
    clock: Clock
    #: Tag of the installation.
    installation: str

    async def make(self) -> dict[str, Any]:
        """Return a signed checkpoint. Raises ``Unavailable``, ``NoMasterKey``, ``Conflict``."""
        chains: dict[str, Any] = {}
        for name in CHAINS:
            head = await self._head(name)
            if head is None:
                raise Conflict(f"the head of the chain of {name} is missing: run oms verify")
            chains[name] = {"length": head.length, "hash": head.hash}
        content = {
            "format": FORMAT,
            "at": time_text(self.clock.now()),
            "installation": self.installation,
            "chains": chains,
            "key_id": self.signer.key_id,
        }
        return content | {"signature": self.signer.sign(_signed_text(content))}

    async def check(self, content: dict[str, Any]) -> list[Finding]:
        """Return the findings of a database whose checkpoint is ``content``.

        Raises ``Unavailable``, and ``NoMasterKey`` if its key is not available.
        """
        at = str(content["at"])
        if not self.signer.is_signed(
            content["key_id"], _signed_text(content), content["signature"]
        ):
            expected = "a signature of its content"
            return [make_finding("checkpoint_signature", "checkpoint", at, expected, "another")]
        found = compare_values(
            "checkpoint_installation", "checkpoint", at, content["installation"], self.installation
        )
        for name, chain_id in CHAINS.items():
            kept = ChainHead(**content["chains"][name])
            found += await self._check_chain(name, chain_id, kept)
        return found

    async def _check_chain(self, name: str, chain_id: int, kept: ChainHead) -> list[Finding]:
        if kept.length == 0:
            return []
        stored = await self._hash_at(name, kept.length)
        if stored is None:
            expected = f"at least {kept.length} links of {name}"
            return [
                make_finding("checkpoint_length", "audit_chain", chain_id, expected, "fewer links")
            ]
        return compare_values("checkpoint_hash", "audit_chain", chain_id, kept.hash, stored)

    async def _head(self, name: str) -> ChainHead | None:
        return await (self.audit_log if name == "audit_log" else self.command_chain).head()

    async def _hash_at(self, name: str, number: int) -> str | None:
        """Return the hash of a link, ``None`` if there is no link with this number."""
        if name == "audit_log":
            rows = await self.audit_log.chained_rows(number - 1, 1)
            found = [(row.link.number, row.link.hash) for row in rows]
        else:
            links = await self.command_chain.links(number - 1, 1)
            found = [(each.link.number, each.link.hash) for each in links]
        return found[0][1] if found and found[0][0] == number else None


def parse_checkpoint(text: str) -> dict[str, Any]:
    """Return the content of a checkpoint file. Raises ``Invalid``."""
    try:
        content = loads(text)
    except NotJson:
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT or set(content) != _KEYS:
        raise Invalid(f"the file is not a {FORMAT} file")
    chains = content["chains"]
    is_valid = (
        isinstance(chains, dict)
        and chains.keys() == CHAINS.keys()
        and all(_is_head(head) for head in chains.values())
        and all(isinstance(content[name], str) for name in _KEYS - {"chains"})
    )
    if not is_valid:
        raise Invalid("the checkpoint is damaged")
    return content


def _is_head(head: Any) -> bool:
    return (
        isinstance(head, dict)
        and head.keys() == {"length", "hash"}
        and isinstance(head["length"], int)
        and head["length"] >= 0
        and isinstance(head["hash"], str)
    )


def _signed_text(content: dict[str, Any]) -> str:
    """Return the text that is signed: everything but the signature."""
    return canonical_json({name: content[name] for name in _KEYS - {"signature"}})
