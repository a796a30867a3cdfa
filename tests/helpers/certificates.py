"""A certificate for loopback, made anew for each run: none is worth keeping."""

import pathlib
import shutil
import ssl
import subprocess

import pytest

OPENSSL = shutil.which("openssl")


def make_contexts(folder: pathlib.Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give what a server on 127.0.0.1 and a client that trusts it need."""
    if OPENSSL is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))
