"""Create certificates with openssl: an authority for the cluster, one for etcd, and certificates of clients and
servers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.addresses import Addresses
from cluster.commands import run

DAYS = 365
CLUSTER_CA, ETCD_CA = "ca", "etcd-ca"


@dataclass(frozen=True)
class Certificate:
    """A certificate. `name` is also the file name. Kubernetes reads `user` and `group` from the subject."""

    name: str
    user: str
    group: str = ""
    hosts: tuple[str, ...] = ()
    authority: str = CLUSTER_CA

    @property
    def subject(self) -> str:
        """The subject in openssl's format."""
        return (f"/O={self.group}" if self.group else "") + f"/CN={self.user}"

    @property
    def extensions(self) -> str:
        """The extensions in openssl's format. Servers get names. Every certificate may be a client, because etcd is
        also its own client."""
        use = "serverAuth,clientAuth" if self.hosts else "clientAuth"
        lines = ["basicConstraints=CA:FALSE", "keyUsage=digitalSignature", f"extendedKeyUsage={use}"]
        # Python 3.13 and later refuse certificates without these two.
        lines += ["subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"]
        if self.hosts:
            names = (f"{'IP' if host.replace('.', '').isdigit() else 'DNS'}:{host}" for host in self.hosts)
            lines.append(f"subjectAltName={','.join(names)}")
        return "\n".join(lines) + "\n"


def wanted(node: str, addresses: Addresses) -> tuple[Certificate, ...]:
    """Return all certificates of a cluster whose only node has the name `node`."""
    api_hosts = (
        *("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"),
        *("localhost", "127.0.0.1", addresses.api_service, addresses.host),
    )
    return (
        Certificate("etcd", "etcd", hosts=("localhost", "127.0.0.1"), authority=ETCD_CA),
        Certificate("apiserver-etcd", "kube-apiserver", authority=ETCD_CA),
        Certificate("apiserver", "kube-apiserver", hosts=api_hosts),
        Certificate("apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters"),
        Certificate("kubelet-server", f"system:node:{node}", "system:nodes", hosts=(node, addresses.node)),
        Certificate("kubelet", f"system:node:{node}", "system:nodes"),
        Certificate("kube-controller-manager", "system:kube-controller-manager"),
        Certificate("kube-scheduler", "system:kube-scheduler"),
        Certificate("kube-proxy", "system:kube-proxy"),
        Certificate("admin", "videoimport-admin", "system:masters"),
    )


def make(pki: Path, certificates: Sequence[Certificate], log: Path) -> str | None:
    """Make missing files. Each file is renamed into place, so an interrupted run leaves no partial file."""
    pki.mkdir(parents=True, exist_ok=True)
    pki.chmod(0o700)
    before = len(list(pki.iterdir()))
    for authority in (CLUSTER_CA, ETCD_CA):
        _authority(pki, authority, log)
    _service_account_keys(pki, log)
    for certificate in certificates:
        _sign(pki, certificate, log)
    return None if len(list(pki.iterdir())) > before else "there already"


def _authority(pki: Path, name: str, log: Path) -> None:
    if not (pki / f"{name}.crt").exists():
        key = _key(pki, name, log)
        extensions = (
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        )
        made = pki / f".{name}.crt"
        subject = ("-subj", f"/CN=videoimport-{name}")
        run(
            ["openssl", "req", "-x509", "-new", "-key", key, "-days", str(DAYS), *subject, *extensions, "-out", made],
            log=log,
        )
        made.rename(pki / f"{name}.crt")


def _service_account_keys(pki: Path, log: Path) -> None:
    if not (pki / "service-accounts.pub").exists():
        key, made = _key(pki, "service-accounts", log), pki / ".service-accounts.pub"
        run(["openssl", "ec", "-in", key, "-pubout", "-out", made], log=log)
        made.rename(pki / "service-accounts.pub")


def _sign(pki: Path, certificate: Certificate, log: Path) -> None:
    name, authority = certificate.name, certificate.authority
    if (pki / f"{name}.crt").exists():
        return
    key, request, extensions, made = (_key(pki, name, log), *(pki / f".{name}.{end}" for end in ("csr", "ext", "crt")))
    extensions.write_text(certificate.extensions)
    run(["openssl", "req", "-new", "-key", key, "-subj", certificate.subject, "-out", request], log=log)
    signer = ("-CA", pki / f"{authority}.crt", "-CAkey", pki / f"{authority}.key", "-CAcreateserial")
    run(
        ["openssl", "x509", "-req", "-in", request, *signer, "-days", str(DAYS), "-extfile", extensions, "-out", made],
        log=log,
    )
    request.unlink()
    extensions.unlink()
    made.rename(pki / f"{name}.crt")


def _key(pki: Path, name: str, log: Path) -> Path:
    key = pki / f"{name}.key"
    if not key.exists():
        made = pki / f".{name}.key"
        run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", made], log=log)
        made.chmod(0o600)
        made.rename(key)
    return key
