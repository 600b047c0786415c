"""The cluster's certificate authority, its certificates and its kubeconfigs."""

import base64
import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local import names

VALIDITY = datetime.timedelta(days=365)
SERVICE_API_ADDRESS = str(next(ipaddress.ip_network(names.SERVICE_NETWORK).hosts()))

_Key = ec.EllipticCurvePrivateKey


def write_private(path: Path, content: bytes) -> None:
    """Writes with mode 0600 from the first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def _pem(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _subject(common_name: str, organization: str | None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@dataclass(frozen=True)
class Authority:
    """A certificate authority that writes NAME.crt and NAME.key into its directory."""

    directory: Path
    certificate: x509.Certificate
    key: _Key

    @classmethod
    def create(cls, directory: Path) -> "Authority":
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _subject("aks-actions local cluster", None)
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + VALIDITY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        authority = cls(directory, certificate, key)
        authority._write("ca", certificate, key)
        return authority

    def issue(self, file: str, common_name: str, organization: str | None = None, hosts: tuple[str, ...] = ()) -> None:
        """A certificate for a client, and for a server too when it has hosts (names or addresses)."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(common_name, organization))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + VALIDITY)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if hosts:
            alternatives = [_alternative_name(host) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        self._write(file, builder.sign(self.key, hashes.SHA256()), key)

    def _write(self, file: str, certificate: x509.Certificate, key: _Key) -> None:
        (self.directory / f"{file}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_private(self.directory / f"{file}.key", _pem(key))

    def kubeconfig(self, file: str, target: Path) -> None:
        """A kubeconfig, with everything in it, for the identity issued as `file`."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": names.CLUSTER,
            "clusters": [
                {
                    "name": names.CLUSTER,
                    "cluster": {"server": names.API_SERVER, "certificate-authority-data": self._data("ca.crt")},
                }
            ],
            "users": [
                {
                    "name": file,
                    "user": {
                        "client-certificate-data": self._data(f"{file}.crt"),
                        "client-key-data": self._data(f"{file}.key"),
                    },
                }
            ],
            "contexts": [{"name": names.CLUSTER, "context": {"cluster": names.CLUSTER, "user": file}}],
        }
        write_private(target, yaml.safe_dump(document).encode())

    def _data(self, file: str) -> str:
        return base64.b64encode((self.directory / file).read_bytes()).decode()


# The identities of the components, and the roles that Kubernetes itself gives to these names.
CLIENTS = {
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
    "proxy": ("system:kube-proxy", None),
    "coredns": ("system:coredns", None),
    "admin": ("admin", "system:masters"),
}


def create(directory: Path, kubeconfig: Path) -> None:
    """Everything that the cluster's components need, in `directory`; the administrator's kubeconfig at `kubeconfig`."""
    authority = Authority.create(directory)
    service_names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
    authority.issue(
        "apiserver", "kube-apiserver", hosts=(names.NODE_ADDRESS, "127.0.0.1", SERVICE_API_ADDRESS, *service_names)
    )
    authority.issue("kubelet", f"system:node:{names.NODE}", "system:nodes", hosts=(names.NODE_ADDRESS, names.NODE))
    authority.issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
    authority.kubeconfig("kubelet", directory / "kubelet.kubeconfig")
    for file, (common_name, organization) in CLIENTS.items():
        authority.issue(file, common_name, organization)
        authority.kubeconfig(file, directory / f"{file}.kubeconfig")
    authority.kubeconfig("admin", kubeconfig)
    service_accounts = ec.generate_private_key(ec.SECP256R1())
    write_private(directory / "service-accounts.key", _pem(service_accounts))
    (directory / "service-accounts.pub").write_bytes(
        service_accounts.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
