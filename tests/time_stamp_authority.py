"""A real RFC 3161 authority: ``openssl ts -reply`` behind a small HTTP server."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """
[ tsa ]
default_tsa = local
[ local ]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
{certs}
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
[ req ]
distinguished_name = dn
[ dn ]
[ ca ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[ leaf ]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
"""


@dataclass
class Authority:
    """Where it answers; ``answers`` replaces what it says, for authorities that lie."""

    url: str
    folder: Path
    answers: list[bytes] = field(default_factory=list)
    status: int = 200

    @property
    def ca_file(self) -> Path:
        """The certificates that its tokens verify under."""
        return self.folder / "ca.pem"

    def reply(self, query: bytes) -> bytes:
        """OpenSSL's answer to a request."""
        (self.folder / "query").write_bytes(query)
        openssl(self.folder, "ts", "-reply", "-config", "cnf", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()


def openssl(folder: Path, *arguments: str) -> str:
    """What OpenSSL prints."""
    ran = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


@contextmanager
def run_authority(folder: Path, *, sends_ca: bool = False) -> Iterator[Authority]:
    """An authority with a CA of its own, in this folder; ``sends_ca`` puts the CA's certificate into each token too."""
    folder.mkdir(parents=True)
    (folder / "cnf").write_text(CONFIG.format(folder=folder, certs=f"certs = {folder}/ca.pem" if sends_ca else ""))
    (folder / "serial").write_text("01\n")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")
    made = ("req", "-x509", *new, "-config", "cnf")
    openssl(folder, *made, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=CA", "-extensions", "ca")
    by_ca = ("-CA", "ca.pem", "-CAkey", "ca.key")
    openssl(folder, *made, "-keyout", "tsa.key", "-out", "tsa.pem", "-subj", "/CN=TSA", "-extensions", "leaf", *by_ca)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            answer = authority.answers.pop(0) if authority.answers else authority.reply(query)
            self.send_response(authority.status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        authority = Authority(f"http://127.0.0.1:{server.server_address[1]}/tsr", folder)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield authority
        server.shutdown()
