"""No secret stands in the ``repr`` or the text of what holds one, nor in an error about it."""

from pathlib import Path

import pytest

from oms.adapters.vault import AesVault, new_master_key
from oms.config import Settings, load_settings
from oms.domain.access import Restrictions
from oms.domain.errors import OmsError
from oms.ports.vault import Secrets
from oms.services.access.api_keys import create_key
from oms.wire.admin import admin_schemas as shapes
from oms.wire.admin.account_requests import read_account_change
from oms.wire.admin.user_requests import read_fields

SECRET = "do-not-tell-9f2c4b1a7e"
URL = f"mysql+asyncmy://oms:{SECRET}@127.0.0.1/oms"


def said(thing: object) -> str:
    """All that a value may be printed as, with what it was caused by."""
    more = ""
    if isinstance(thing, BaseException):
        more = "".join(said(other) for other in (thing.__cause__, thing.__context__) if other)
    return f"{thing!r} {thing!s} {more}"


def test_settings_show_neither_url_nor_master_key() -> None:
    settings = Settings(database_url=URL, master_key=SECRET)
    assert settings.dsn == URL and settings.master_key == SECRET
    assert SECRET not in said(settings)
    assert "port=8000" in said(settings)


@pytest.mark.parametrize("name", ["OMS_DATABASE_URL", "OMS_MASTER_KEY"])
def test_wrong_settings_are_named_without_the_secrets_beside_them(name: str) -> None:
    with pytest.raises(ValueError, match="port") as wrong:
        load_settings({name: SECRET, "OMS_PORT": "none"})
    assert SECRET not in said(wrong.value)


@pytest.mark.parametrize("name", ["database_url", "master_key"])
def test_a_secret_of_a_wrong_kind_is_not_told(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(f'{{"{name}": ["{SECRET}"]}}', encoding="utf-8")
    with pytest.raises(ValueError, match=name) as wrong:
        load_settings({"OMS_CONFIG": str(path)})
    assert SECRET not in said(wrong.value)


def test_credentials_show_nothing_of_themselves() -> None:
    secrets = Secrets(api_key=SECRET, secret=SECRET, passphrase=SECRET)
    assert SECRET not in said(secrets) and secrets.secret == SECRET
    change, given, _ = read_account_change({"credentials": {"secret": SECRET}, "label": "x"}, None)
    assert given is not None and given.secret == SECRET
    assert SECRET not in said((change, given))


def test_a_vault_shows_no_key_and_its_errors_no_text() -> None:
    key = new_master_key()
    vault = AesVault(keys=lambda: [key])
    sealed = vault.seal(1, "secret", SECRET)
    assert vault.open(1, "secret", sealed) == SECRET
    assert key not in said(vault) and SECRET not in said(vault)
    for account_id, text in ((2, sealed), (1, SECRET), (1, sealed[:-4])):
        with pytest.raises(OmsError) as wrong:
            vault.open(account_id, "secret", text)
        assert SECRET not in said(wrong.value) and key not in said(wrong.value)
        assert sealed not in said(wrong.value)


def test_a_broken_master_key_is_not_told() -> None:
    with pytest.raises(OmsError) as wrong:
        AesVault(keys=lambda: [SECRET]).seal(1, "secret", "text")
    assert SECRET not in said(wrong.value)


def test_what_is_stored_of_a_key_does_not_show_it() -> None:
    plain, stored = create_key(None, "label", Restrictions())
    assert plain not in said(stored)
    with pytest.raises(OmsError) as wrong:
        create_key(SECRET, None, Restrictions())
    assert SECRET not in said(wrong.value)


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (shapes.LOGIN, {"user_name": "ann", "password": [SECRET]}),
        (shapes.LOGIN, {"user_name": "ann", "password": SECRET * 100}),
        (shapes.NEW_KEY, {"api_key": {"text": SECRET}}),
        (shapes.ACCOUNT_CHANGE, {"credentials": {"secret": {"text": SECRET}}}),
        (shapes.ACCOUNT_CHANGE, {"credentials": SECRET}),
    ],
)
def test_a_body_that_is_refused_is_not_told_again(shape: object, body: object) -> None:
    with pytest.raises(OmsError) as wrong:
        read_fields(shape, body)  # type: ignore[arg-type]
    assert SECRET not in f"{wrong.value!r} {wrong.value}"
    assert SECRET not in str(getattr(wrong.value, "errors", ""))
