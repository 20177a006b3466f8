"""No ``repr`` or ``str`` of a value with a secret, nor an error about it, contains the secret."""

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

SECRET = "do-not-print-9f2c4b1a7e"
URL = f"mysql+asyncmy://oms:{SECRET}@127.0.0.1/oms"


def printed(value: object) -> str:
    """All printed forms of a value, for exceptions with their causes."""
    causes = ""
    if isinstance(value, BaseException):
        causes = "".join(printed(other) for other in (value.__cause__, value.__context__) if other)
    return f"{value!r} {value!s} {causes}"


def test_settings_print_neither_url_nor_master_key() -> None:
    settings = Settings(database_url=URL, master_key=SECRET)
    assert settings.dsn == URL and settings.master_key == SECRET
    assert SECRET not in printed(settings)
    assert "port=8000" in printed(settings)


@pytest.mark.parametrize("name", ["OMS_DATABASE_URL", "OMS_MASTER_KEY"])
def test_errors_about_settings_do_not_print_other_secrets(name: str) -> None:
    with pytest.raises(ValueError, match="port") as error:
        load_settings({name: SECRET, "OMS_PORT": "none"})
    assert SECRET not in printed(error.value)


@pytest.mark.parametrize("name", ["database_url", "master_key"])
def test_a_secret_of_a_wrong_type_is_not_printed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(f'{{"{name}": ["{SECRET}"]}}', encoding="utf-8")
    with pytest.raises(ValueError, match=name) as error:
        load_settings({"OMS_CONFIG": str(path)})
    assert SECRET not in printed(error.value)


def test_credentials_are_not_printed() -> None:
    secrets = Secrets(api_key=SECRET, secret=SECRET, passphrase=SECRET)
    assert SECRET not in printed(secrets) and secrets.secret == SECRET
    change, sent_secrets, _ = read_account_change(
        {"credentials": {"secret": SECRET}, "label": "x"}, None
    )
    assert sent_secrets is not None and sent_secrets.secret == SECRET
    assert SECRET not in printed((change, sent_secrets))


def test_a_vault_prints_no_key_and_its_errors_no_text() -> None:
    key = new_master_key()
    vault = AesVault(keys=lambda: [key])
    sealed = vault.seal(1, "secret", SECRET)
    assert vault.open(1, "secret", sealed) == SECRET
    assert key not in printed(vault) and SECRET not in printed(vault)
    for account_id, text in ((2, sealed), (1, SECRET), (1, sealed[:-4])):
        with pytest.raises(OmsError) as error:
            vault.open(account_id, "secret", text)
        assert SECRET not in printed(error.value) and key not in printed(error.value)
        assert sealed not in printed(error.value)


def test_an_invalid_master_key_is_not_printed() -> None:
    with pytest.raises(OmsError) as error:
        AesVault(keys=lambda: [SECRET]).seal(1, "secret", "text")
    assert SECRET not in printed(error.value)


def test_a_stored_key_does_not_contain_its_plain_text() -> None:
    plain, stored = create_key(None, "label", Restrictions())
    assert plain not in printed(stored)
    with pytest.raises(OmsError) as error:
        create_key(SECRET, None, Restrictions())
    assert SECRET not in printed(error.value)


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
def test_a_refused_body_is_not_repeated_in_the_error(shape: object, body: object) -> None:
    with pytest.raises(OmsError) as error:
        read_fields(shape, body)  # type: ignore[arg-type]
    assert SECRET not in f"{error.value!r} {error.value}"
    assert SECRET not in str(getattr(error.value, "errors", ""))
