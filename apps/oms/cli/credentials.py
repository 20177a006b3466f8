"""Master keys and the exchange credentials encrypted with them.

The keys are in ``OMS_MASTER_KEY``, else in the key file. A rotation puts a new key before the old
ones, encrypts all credentials again and keeps the old keys, so that a row encrypted concurrently
can still be decrypted; ``--drop-old`` removes them once no row needs them.
"""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from oms import bootstrap
from oms.adapters.key_file import KeyFile
from oms.adapters.vault import AesVault, MasterKey, new_master_key
from oms.cli.audit_context import cli_audit_context
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings, prompt_secret, read_secret, require_confirmation
from oms.config import Settings
from oms.ports.vault import SEALED_PREFIX, NoMasterKey, Secrets, UnsealError
from oms.services.credentials.rotate import RotateMasterKey, RotationResult
from oms.services.credentials.seal import SealCredentials

#: Account id that ``encrypt`` binds its text to; no account has it.
NO_ACCOUNT = 0
PROMPTS = {"api_key": "API key of the exchange", "secret": "Secret", "passphrase": "Passphrase"}


def generate_master_key(parsed: argparse.Namespace) -> Any:
    """Return a new key, or create the key file without printing the key."""
    if not parsed.into_file:
        return {"encryption_master_key": new_master_key()}
    settings = command_settings(parsed)
    created = _read_keys(bootstrap.ensure_master_key, settings)
    _read_keys(bootstrap.ensure_signal_key, settings)
    key_id = _vault(settings).key_id
    where = None if settings.master_key else str(settings.key_file)
    return {"ok": True, "key_id": key_id, "file": where, "created": created}


def encrypt(parsed: argparse.Namespace) -> Any:
    """Encrypt a text for no account; ``upsert-account-credentials`` encrypts it for one."""
    text = read_secret(parsed, "value", warns=True) or prompt_secret("Value")
    if not text:
        raise CommandFailed("--value is needed, from a flag, a file, stdin or a prompt", status=2)
    return {"encrypted": _vault(command_settings(parsed)).seal(NO_ACCOUNT, "value", text)}


def upsert(parsed: argparse.Namespace) -> Any:
    """Store credentials of an account; those not given stay unchanged."""
    settings = command_settings(parsed)
    vault = _vault(settings)
    secrets = Secrets(**{name: _clear(parsed, vault, name) for name in PROMPTS})
    if secrets == Secrets():
        raise CommandFailed("--api-key, --secret or --passphrase is needed", status=2)

    async def work() -> dict[str, Any]:
        async with bootstrap.open_store(settings) as store:
            seal = SealCredentials(rows=store.sealed_credentials, sealer=vault)
            row = await seal(parsed.account_id, secrets, cli_audit_context())
            stored = {
                "api_key_enc": True,
                "secret_enc": True,
                "passphrase_enc": row.passphrase is not None,
            }
            return {"ok": True, "account_id": parsed.account_id, "stored": stored}

    return run_async(work())


def rotate(parsed: argparse.Namespace) -> Any:
    """Encrypt all credentials with a new key, or remove the old keys from the file."""
    settings = command_settings(parsed)
    new_key = read_secret(parsed, "new-key", warns=True)
    if new_key is not None and parsed.drop_old:
        raise CommandFailed("--drop-old and --new-key exclude each other", status=2)
    if settings.master_key and (new_key is not None or parsed.drop_old):
        raise CommandFailed("the keys are in OMS_MASTER_KEY: change them there", status=2)
    if parsed.drop_old:
        require_confirmation(parsed, "remove the old master keys from the file")
    dropped: Sequence[str] = ()
    if settings.master_key:
        result = run_async(_run_rotation(settings))
    else:
        _vault(settings)
        with ExitStack() as stack:
            _read_keys(stack.enter_context, KeyFile(settings.key_file).locked())
            result, dropped = _rotate_file(settings, new_key, drop_old=parsed.drop_old)
    vault = _vault(settings)
    return {
        "ok": not result.unreadable,
        "key_id": vault.key_id,
        "key_ids": list(vault.key_ids),
        "resealed": result.resealed,
        "verified": result.verified,
        "unreadable": list(result.unreadable),
        "dropped": list(dropped),
    }


def _rotate_file(
    settings: Settings, new_key: str | None, *, drop_old: bool
) -> tuple[RotationResult, Sequence[str]]:
    file = KeyFile(settings.key_file)
    keys = list(file.read())
    before = run_async(_run_rotation(settings, check_only=True))
    current = _vault(settings).key_id
    # An interrupted rotation is completed before another one begins.
    is_unfinished = bool(before.key_ids - {current})
    if new_key is not None:
        _prepend(file, keys, new_key)
    elif not drop_old and not is_unfinished:
        _prepend(file, keys, new_master_key())
    result = run_async(_run_rotation(settings))
    if not drop_old or result.unreadable:
        return result, []
    first_key = file.read()[:1]
    dropped = list(_vault(settings).key_ids[1:])
    _read_keys(file.replace, first_key)
    return result, dropped


def _prepend(file: KeyFile, keys: Sequence[str], new: str) -> None:
    """Write the key to the front of the file, before anything is encrypted with it."""
    new_id = _read_keys(MasterKey.of, new).id
    others = [key for key in keys if MasterKey.of(key).id != new_id]
    _read_keys(file.replace, [new.strip(), *others])


async def _run_rotation(settings: Settings, *, check_only: bool = False) -> RotationResult:
    async with bootstrap.open_store(settings) as store:
        rotate = RotateMasterKey(
            rows=store.sealed_credentials, vault=bootstrap.build_vault(settings)
        )
        return await (rotate.check() if check_only else rotate(cli_audit_context()))


def _clear(parsed: argparse.Namespace, vault: AesVault, name: str) -> str | None:
    """Return the secret of a flag; an encrypted text is decrypted."""
    text = read_secret(parsed, name.replace("_", "-"), warns=True)
    if text is None:
        text = prompt_secret(f"{PROMPTS[name]} (empty: none, or unchanged)")
    if text is None or not text.startswith(SEALED_PREFIX):
        return text or None
    try:
        return vault.open(NO_ACCOUNT, "value", text)
    except UnsealError as error:
        raise CommandFailed(f"--{name.replace('_', '-')}: {error.message}", status=2) from None


def _vault(settings: Settings) -> AesVault:
    """Return the vault. Raises ``CommandFailed`` if there are no keys."""
    vault = bootstrap.build_vault(settings)
    _read_keys(lambda: vault.key_id)
    return vault


def _read_keys(step: Any, *arguments: Any) -> Any:
    """Return the result of a step on keys. Raises ``CommandFailed`` if keys are not readable."""
    try:
        return step(*arguments)
    except NoMasterKey as error:
        raise CommandFailed(error.message, status=1) from None
    except OSError as error:
        raise CommandFailed(f"the key file: {error.strerror}", status=1) from None
