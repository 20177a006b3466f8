"""A temporary certificate authority for the production host names of the venues.

Its key stays in memory and its folder is deleted at exit; only clients configured with its
certificate trust it.
"""

import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DOMAINS = (
    *("bybit.com", "bytick.com", "binance.com", "binance.vision", "okx.com"),
    *("testnet.binance.vision", "binancefuture.com"),
)
_VALIDITY = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Authority:
    """``cafile`` is the certificate for clients, ``context`` the TLS context of the server."""

    cafile: Path
    context: ssl.SSLContext


@contextmanager
def temporary_authority() -> Iterator[Authority]:
    """Yields an authority with a server certificate for all host names of the venues."""
    with tempfile.TemporaryDirectory(prefix="loopback-ca-") as folder:
        ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ca = _certificate("Loopback throw-away CA", ca_key, ca_key, None)
        leaf = _certificate("loopback", key, ca_key, ca)
        cafile, chain = Path(folder) / "ca.pem", Path(folder) / "server.pem"
        cafile.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        chain.touch(mode=0o600)
        chain.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + _pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        chain.unlink()
        yield Authority(cafile=cafile, context=context)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(_key_usage(is_authority=issuer is None), critical=True)
    )
    if issuer is not None:
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(_host_names(), critical=False)
        builder = builder.add_extension(server, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _host_names() -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    for domain in DOMAINS:
        names += [x509.DNSName(domain), x509.DNSName(f"*.{domain}")]
    return x509.SubjectAlternativeName([*names, x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))])


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
