"""``urls`` of an exchange object: what a program reads and edits to choose a test environment.

Every request goes to the gateway, whatever the URLs are: the environment belongs to the account.
``is_redirected`` says whether a program chose another one than the exchange's own.
"""

from collections.abc import Mapping
from typing import Any

#: Environments beside the exchange's own, by their key in ``urls``.
_ENVIRONMENTS = ("test", "demo")


class ApiUrls(dict[str, Any]):
    """The URLs of an exchange's interfaces by name; each is the gateway's.

    Those of another environment contain its name, so that they differ from the exchange's own.
    """

    base_url: str

    def __missing__(self, name: str) -> str:
        return self.base_url


def build_urls(base_url: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``urls`` with ccxt's keys, extended by those of a config."""
    urls: dict[str, Any] = {"api": _api_urls(base_url), "www": base_url, "doc": []}
    urls |= {name: _api_urls(base_url, name) for name in _ENVIRONMENTS}
    for name, value in given.items():
        current = urls.get(name)
        if isinstance(current, dict) and isinstance(value, Mapping):
            current.update(value)
        else:
            urls[name] = value
    return urls


def is_redirected(urls: Mapping[str, Any]) -> bool:
    """Whether ``urls["api"]`` was replaced or edited: the program wants another environment."""
    api = urls.get("api")
    return not isinstance(api, ApiUrls) or bool(api)


def _api_urls(base_url: str, *names: str) -> ApiUrls:
    urls = ApiUrls(dict.fromkeys(names, base_url))
    urls.base_url = base_url
    return urls
