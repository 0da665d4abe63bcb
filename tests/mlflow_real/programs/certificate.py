"""Writes `ca.crt`, `server.crt` and `server.key`: a certificate for `localhost`, its authority made on the spot."""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

folder = Path(sys.argv[1])
now = datetime.now(timezone.utc)


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def builder(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name("test authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
    )


authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
is_authority = x509.BasicConstraints(ca=True, path_length=None)
names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
ca = builder("test authority", authority).add_extension(is_authority, critical=True)
leaf = builder("localhost", server).add_extension(names, critical=False)
pem = serialization.Encoding.PEM
(folder / "ca.crt").write_bytes(ca.sign(authority, hashes.SHA256()).public_bytes(pem))
(folder / "server.crt").write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(pem))
(folder / "server.key").write_bytes(
    server.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
)
