"""nginx and Caddy of Debian's packages, with the configurations of ``deploy`` on free ports.

What is replaced in them: names, ports, the certificate's files and the upstream server.
"""

import datetime
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kit.free_ports import free_port
from kit.polling import wait_until
from kit.private_server import PrivateServer, end_process
from kit.text_replacement import replaced

ROOT = Path(__file__).parents[3]
DEBIAN = ROOT / "build/debian"
DEPLOY = ROOT / "deploy"
HOST = "localhost"
READY_SECONDS_MAX = 20.0


@dataclass(frozen=True)
class Certificate:
    """Files of a certificate that signs itself."""

    chain: Path
    key: Path


def create_certificate(folder: Path, days: int = 30, host: str = HOST) -> Certificate:
    """Write a certificate for a host."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days, hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(chain=folder / "fullchain.pem", key=folder / "privkey.pem")
    made.chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


class Proxy(PrivateServer):
    """A proxy in front of the API on ``upstream_port``; ended by its pid."""

    def __init__(
        self,
        name: str,
        folder: Path,
        upstream_port: int,
        certificate: Certificate,
        *,
        site: str | None = None,
    ) -> None:
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://{HOST}:{self.port}"
        self._folder = folder
        #: The site of Caddy in place of that of ``deploy``, of nginx its locations.
        self._site = site
        configure = {"nginx": self._nginx, "caddy": self._caddy}[name]
        self._command = configure(upstream_port, certificate)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the proxy, and wait until it listens."""
        environment = os.environ | {"HOME": str(self._folder)}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self._listens, READY_SECONDS_MAX, f"the proxy listens: {self.log.read_text()}")

    def close(self) -> None:
        """End the proxy; its folder is the test's."""
        end_process(self._process)

    @property
    def log(self) -> Path:
        """What the proxy printed."""
        return self._folder / "proxy.log"

    def curl(self, path: str, *options: str) -> str:
        """Output of curl, which trusts the certificate; a failed transfer fails."""
        certificate = str(self._folder / "fullchain.pem")
        command = ["curl", "-sS", "--cacert", certificate, *options, self.url + path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _listens(self) -> bool:
        command = ["curl", "-s", "-k", "-o", "/dev/null", "--max-time", "5", self.url]
        return subprocess.run(command, timeout=20, check=False).returncode == 0

    def _nginx(self, upstream_port: int, certificate: Certificate) -> list[str]:
        text = (DEPLOY / "nginx/oms.conf").read_text(encoding="utf-8")
        if self._site is not None:
            before, _, _ = text.partition("    location / {")
            upstream = {"127.0.0.1:8000": f"127.0.0.1:{upstream_port}"}
            text = f"{before}{replaced(self._site, upstream)}}}\n"
        site = replaced(
            text,
            {
                "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
                "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream_port};",
                "/etc/letsencrypt/live/oms.example.com/fullchain.pem": str(certificate.chain),
                "/etc/letsencrypt/live/oms.example.com/privkey.pem": str(certificate.key),
                "oms.example.com": HOST,
            },
        )
        (self._folder / "oms.conf").write_text(site, encoding="utf-8")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{kind}_temp_path {self._folder}/{kind};" for kind in kinds)
        (self._folder / "nginx.conf").write_text(
            f"user root; daemon off; worker_processes 1; pid {self._folder}/nginx.pid;"
            " error_log stderr; events {}"
            f" http {{ access_log off; {places} include {self._folder}/oms.conf; }}",
            encoding="utf-8",
        )
        program = DEBIAN / "nginx/usr/sbin/nginx"
        return [str(program), "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")]

    def _caddy(self, upstream_port: int, certificate: Certificate) -> list[str]:
        text = self._site or (DEPLOY / "caddy/Caddyfile").read_text(encoding="utf-8")
        own = f"tls {certificate.chain} {certificate.key}\n\tbind 127.0.0.1\n"
        site = replaced(
            text,
            {
                "oms.example.com {\n": f"{self.url} {{\n\t{own}",
                "127.0.0.1:8000": f"127.0.0.1:{upstream_port}",
            },
        )
        options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
        path = self._folder / "Caddyfile"
        path.write_text(options + site, encoding="utf-8")
        program = DEBIAN / "caddy/usr/bin/caddy"
        return [str(program), "run", "--config", str(path), "--adapter", "caddyfile"]
