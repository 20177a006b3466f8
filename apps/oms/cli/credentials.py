"""Master keys and what is sealed under them. The one clear text that is told is a key asked for.

The keys stand in ``OMS_MASTER_KEY``, or else in the key file. A rotation puts a new key before the
old ones, seals all credentials anew and keeps the old keys, so that a row which somebody sealed
meanwhile still opens; ``--drop-old`` takes them out once nothing needs them.
"""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from oms import bootstrap
from oms.adapters.key_file import KeyFile
from oms.adapters.vault import AesVault, MasterKey, new_master_key
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.registry_admin import cli_actor
from oms.cli.settings import command_settings, prompt_secret, read_secret, require_confirmation
from oms.config import Settings
from oms.ports.vault import SEALED_PREFIX, NoMasterKey, Secrets, UnsealError
from oms.services.credentials.rotate import RotateMasterKey, RotationResult
from oms.services.credentials.seal import SealCredentials

#: What ``encrypt`` seals for: no account has this id.
NO_ACCOUNT = 0
PROMPTS = {"api_key": "API key of the exchange", "secret": "Secret", "passphrase": "Passphrase"}


def generate_master_key(parsed: argparse.Namespace) -> Any:
    """A key, told; or made in the key file, untold."""
    if not parsed.into_file:
        return {"encryption_master_key": new_master_key()}
    settings = command_settings(parsed)
    made = _kept(bootstrap.ensure_master_key, settings)
    key_id = _vault(settings).key_id
    where = None if settings.master_key else str(settings.key_file)
    return {"ok": True, "key_id": key_id, "file": where, "created": made}


def encrypt(parsed: argparse.Namespace) -> Any:
    """A text sealed for no account; ``upsert-account-credentials`` seals it again for one."""
    text = read_secret(parsed, "value", warns=True) or prompt_secret("Value")
    if not text:
        raise CommandFailed("--value is needed, from a flag, a file, stdin or a prompt", status=2)
    return {"encrypted": _vault(command_settings(parsed)).seal(NO_ACCOUNT, "value", text)}


def upsert(parsed: argparse.Namespace) -> Any:
    """Credentials of an account; what is not told stays as it is."""
    settings = command_settings(parsed)
    vault = _vault(settings)
    secrets = Secrets(**{name: _clear(parsed, vault, name) for name in PROMPTS})
    if secrets == Secrets():
        raise CommandFailed("--api-key, --secret or --passphrase is needed", status=2)

    async def work() -> dict[str, Any]:
        async with bootstrap.open_store(settings) as store:
            seal = SealCredentials(rows=store.sealed_credentials, sealer=vault)
            row = await seal(parsed.account_id, secrets, cli_actor())
            stored = {
                "api_key_enc": True,
                "secret_enc": True,
                "passphrase_enc": row.passphrase is not None,
            }
            return {"ok": True, "account_id": parsed.account_id, "stored": stored}

    return run_async(work())


def rotate(parsed: argparse.Namespace) -> Any:
    """All credentials under a new key, or the old keys out of the file."""
    settings = command_settings(parsed)
    wished = read_secret(parsed, "new-key", warns=True)
    if wished is not None and parsed.drop_old:
        raise CommandFailed("--drop-old makes no new key: leave --new-key out", status=2)
    if settings.master_key and (wished is not None or parsed.drop_old):
        raise CommandFailed("the keys stand in OMS_MASTER_KEY: change them there", status=2)
    if parsed.drop_old:
        require_confirmation(parsed, "take the old master keys out of the file")
    dropped: Sequence[str] = ()
    if settings.master_key:
        rotated = run_async(_rotated(settings))
    else:
        _vault(settings)
        with ExitStack() as stack:
            _kept(stack.enter_context, KeyFile(settings.key_file).locked())
            rotated, dropped = _in_file(settings, wished, drops=parsed.drop_old)
    vault = _vault(settings)
    return {
        "ok": not rotated.unreadable,
        "key_id": vault.key_id,
        "key_ids": list(vault.key_ids),
        "resealed": rotated.resealed,
        "verified": rotated.verified,
        "unreadable": list(rotated.unreadable),
        "dropped": list(dropped),
    }


def _in_file(
    settings: Settings, wished: str | None, *, drops: bool
) -> tuple[RotationResult, Sequence[str]]:
    file = KeyFile(settings.key_file)
    keys = list(file.read())
    before = run_async(_rotated(settings, looks=True))
    current = _vault(settings).key_id
    # A rotation that stopped on its way is ended before another one begins.
    is_unfinished = bool(before.key_ids - {current})
    if wished is not None:
        _prepend(file, keys, wished)
    elif not drops and not is_unfinished:
        _prepend(file, keys, new_master_key())
    rotated = run_async(_rotated(settings))
    if not drops or rotated.unreadable:
        return rotated, []
    kept = file.read()[:1]
    dropped = list(_vault(settings).key_ids[1:])
    _kept(file.replace, kept)
    return rotated, dropped


def _prepend(file: KeyFile, keys: Sequence[str], new: str) -> None:
    """Put the key first, unless it is; it stands in the file before anything is sealed with it."""
    wanted = _kept(MasterKey.of, new).id
    others = [key for key in keys if MasterKey.of(key).id != wanted]
    _kept(file.replace, [new.strip(), *others])


async def _rotated(settings: Settings, *, looks: bool = False) -> RotationResult:
    async with bootstrap.open_store(settings) as store:
        rotate = RotateMasterKey(
            rows=store.sealed_credentials, vault=bootstrap.build_vault(settings)
        )
        return await (rotate.check() if looks else rotate(cli_actor()))


def _clear(parsed: argparse.Namespace, vault: AesVault, name: str) -> str | None:
    """What a flag tells; a sealed text is opened, to be sealed for its account."""
    text = read_secret(parsed, name.replace("_", "-"), warns=True)
    if text is None:
        text = prompt_secret(f"{PROMPTS[name]} (empty: none, or as it is)")
    if text is None or not text.startswith(SEALED_PREFIX):
        return text or None
    try:
        return vault.open(NO_ACCOUNT, "value", text)
    except UnsealError as wrong:
        raise CommandFailed(f"--{name.replace('_', '-')}: {wrong.message}", status=2) from None


def _vault(settings: Settings) -> AesVault:
    """The vault, its keys looked at. Raises ``Failed`` where there are none."""
    vault = bootstrap.build_vault(settings)
    _kept(lambda: vault.key_id)
    return vault


def _kept(step: Any, *arguments: Any) -> Any:
    """What a step on keys answers. Raises ``Failed`` where keys are missing or kept from us."""
    try:
        return step(*arguments)
    except NoMasterKey as missing:
        raise CommandFailed(missing.message, status=1) from None
    except OSError as problem:
        raise CommandFailed(f"the key file: {problem.strerror}", status=1) from None
