"""Which source a request for a signal belongs to, by all credentials that it presents.

At least one credential is needed and every one presented must be valid. All refusals of credentials
are one and the same error. Texts are compared in constant time, signatures on the bytes received.
Tokens and keys are looked up by their hash.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from oms.domain.access import Principal
from oms.domain.errors import Forbidden, Unauthenticated
from oms.domain.signals.signal import SignalKind
from oms.domain.signals.source import SignalSource
from oms.domain.value import value
from oms.ports.clock import Clock
from oms.ports.signals.signal_sources import SignalSources
from oms.ports.vault import NoMasterKey, UnsealError, Vault
from oms.services.access.authenticate import Authenticate

SECRET_FIELD = "signal_secret"
"""Name of the sealed field; with the id of its source it is what a sealed text is bound to."""

SIGNATURE_PREFIX = "sha256="
_SIGNATURE = re.compile(r"[0-9A-Fa-f]{64}")
_TOKEN_CHARACTERS_MAX = 256
MESSAGE = "the credentials of the signal are not valid"


def new_token() -> str:
    """Return 32 random bytes in URL-safe base64."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what is stored of a path token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@value
class SignalCredentials:
    """What a request presents; ``None`` or empty: not presented."""

    kind: SignalKind
    #: The body as received.
    raw: bytes = field(repr=False)
    ip: str
    api_key: str | None = field(default=None, repr=False)
    path_token: str | None = field(default=None, repr=False)
    source_name: str | None = None
    signatures: tuple[str, ...] = field(default=(), repr=False)


@value
class SignalSender:
    """The source of a request, and the caller if it has a key; one of both at least."""

    source: SignalSource | None
    principal: Principal | None = None
    #: Whether a credential other than the secret in the body is valid.
    is_authenticated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticateSource:
    """Decides on the credentials of signals."""

    sources: SignalSources
    authenticate: Authenticate
    #: With the signal key; it opens secrets of sources only.
    vault: Vault
    clock: Clock

    async def __call__(self, sent: SignalCredentials) -> SignalSender:
        """Return who sends a signal; the secret in its body is checked by ``confirm``.

        Raises ``Unauthenticated``, ``Forbidden`` (a key without source), ``Unavailable``.
        """
        named = [*await self._named_sources(sent)]
        principal = await self._principal(sent)
        if principal is not None:
            of_key = await self.sources.of_key(principal.api_key_id, sent.kind)
            if of_key is None and (named or sent.kind is not SignalKind.TRADE):
                message = "the key posts to no source of this kind"
                raise Forbidden(message, reason="no_signal_source")
            named += [] if of_key is None else [of_key]
        if not named and principal is not None and not sent.signatures:
            return SignalSender(source=None, principal=principal, is_authenticated=True)
        if not named or len({source.id for source in named}) > 1:
            raise refused()
        source = named[0]
        if source.kind is not sent.kind or not self._is_signed(source, sent):
            raise refused()
        if source.settings.require_signature and not sent.signatures:
            raise refused()
        has_credential = principal is not None or sent.path_token is not None or sent.signatures
        return SignalSender(
            source=source, principal=principal, is_authenticated=bool(has_credential)
        )

    def confirm(self, sender: SignalSender, secret: object) -> None:
        """Check the secret in the body and the state of the source.

        ``secret`` is ``None`` if the body has none. Raises ``Unauthenticated``.
        """
        if secret is None:
            if not sender.is_authenticated:
                raise refused()
        elif sender.source is None or not self._is_secret(sender.source, secret):
            raise refused()
        if sender.source is not None and not sender.source.is_active:
            raise refused()

    async def _named_sources(self, sent: SignalCredentials) -> Sequence[SignalSource]:
        """Return the sources of the path token and of the name. Raises ``Unauthenticated``."""
        found = []
        if sent.path_token is not None:
            found.append(await self._source_of_token(sent.path_token))
        if sent.source_name is not None:
            found.append(await self.sources.of_name(sent.source_name[:_TOKEN_CHARACTERS_MAX]))
        named = [source for source in found if source is not None]
        if len(named) < len(found):
            raise refused()
        return named

    async def _source_of_token(self, token: str) -> SignalSource | None:
        if not 0 < len(token) <= _TOKEN_CHARACTERS_MAX:
            return None
        token_hash = hash_token(token)
        source = await self.sources.of_token(token_hash)
        if source is None or token_hash not in source.token_hashes(self.clock.now()):
            return None
        return source

    async def _principal(self, sent: SignalCredentials) -> Principal | None:
        if sent.api_key is None:
            return None
        try:
            return await self.authenticate(sent.api_key, sent.ip)
        except Unauthenticated:
            raise refused() from None

    def _is_signed(self, source: SignalSource, sent: SignalCredentials) -> bool:
        """Return whether every signature presented is one by a secret of the source."""
        if not sent.signatures:
            return True
        expected = [
            hmac.new(secret.encode(), sent.raw, hashlib.sha256).hexdigest().encode()
            for secret in self._secrets(source)
        ]
        return all(_is_among(_plain(signature), expected) for signature in sent.signatures)

    def _is_secret(self, source: SignalSource, secret: object) -> bool:
        if not isinstance(secret, str) or not secret:
            return False
        known = [each.encode() for each in self._secrets(source)]
        return _is_among(secret.encode("utf-8", "surrogatepass"), known)

    def _secrets(self, source: SignalSource) -> Sequence[str]:
        """Return the secrets that count now; none if they cannot be opened."""
        sealed = source.sealed_secrets(self.clock.now())
        try:
            return [self.vault.open(source.id, SECRET_FIELD, text) for text in sealed]
        except (NoMasterKey, UnsealError):
            return ()


def refused() -> Unauthenticated:
    """Return the one error of all credentials that do not count."""
    return Unauthenticated(MESSAGE, code="invalid_credentials")


def _plain(signature: str) -> bytes:
    """Return a signature in lower case without prefix; empty if it is malformed."""
    text = signature.strip()
    text = text[len(SIGNATURE_PREFIX) :] if text.startswith(SIGNATURE_PREFIX) else text
    return text.lower().encode() if _SIGNATURE.fullmatch(text) else b""


def _is_among(text: bytes, known: Sequence[bytes]) -> bool:
    """Return whether ``text`` is one of ``known``; each is compared, in constant time."""
    matches = [hmac.compare_digest(text, each) for each in known]
    return any(matches)
