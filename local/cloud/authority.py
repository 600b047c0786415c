"""The world's certificate authority, the server's certificate, and the certificate of the registry's token key."""

import datetime
import ssl
from collections.abc import Iterable
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from local.cloud.files import write
from local.cloud.keys import SigningKey


def load_authority(directory: Path) -> trustme.CA:
    """The authority of a state directory, made on first use.

    It must survive restarts: programs read a bundle only once.
    """
    certificate, key = directory / "ca.pem", directory / "ca.key"
    if not (certificate.exists() and key.exists()):
        made = trustme.CA(
            organization_name="aks-actions local world", organization_unit_name="worthless outside this machine"
        )
        write(key, made.private_key_pem.bytes(), secret=True)
        write(certificate, made.cert_pem.bytes())
    return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())


def server_context(authority: trustme.CA, names: Iterable[str]) -> ssl.SSLContext:
    """TLS for host names and addresses, HTTP/1.1 only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    context.set_alpn_protocols(["http/1.1"])
    return context


def token_certificate(path: Path, key: SigningKey) -> bytes:
    """The self-signed certificate of a token key, in DER. `path` keeps it as PEM; that of another key is replaced."""
    if path.exists():
        kept = x509.load_pem_x509_certificate(path.read_bytes())
        if kept.public_key() == key.private.public_key():
            return kept.public_bytes(serialization.Encoding.DER)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "aks-actions local world: registry tokens")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key.private, hashes.SHA256())
    )
    write(path, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate.public_bytes(serialization.Encoding.DER)
