"""A log that this service wrote, read by tools that nobody here wrote: Go's sumdb ``note`` and ``tlog``, and openssl."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive_service.domain import note
from archive_service.services import log, publication
from archive_service.verifier.log_directory import DirectoryReader, check_log
from tests.log_maker import append_many
from tests.office import Office, open_office, wib

CHECKER = Path(__file__).with_name("check_log.go")
ROOT = Path(sys.prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages" / "go"
SUMDB = ROOT / "src" / "cmd" / "vendor" / "golang.org" / "x" / "mod" / "sumdb"


@pytest.fixture(scope="session")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program over x/mod's packages as the Go distribution carries them, built without a network."""
    folder: Path = tmp_path_factory.mktemp("sumdb")
    for name in ("note", "tlog"):
        shutil.copytree(SUMDB / name, folder / name)
    shutil.copy(CHECKER, folder / "main.go")
    (folder / "go.mod").write_text("module check\n\ngo 1.24\n")
    environment = {
        **os.environ,
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOTELEMETRY": "off",
        "CGO_ENABLED": "0",
        "GOENV": "off",
        "GOROOT": str(ROOT),
        "GOPATH": str(folder / "path"),
        # kept between runs: the standard library is compiled once
        "GOCACHE": str(Path(sys.prefix) / "go-cache"),
    }
    command = [str(ROOT / "bin" / "go"), "build", "-o", "check_log", "."]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return folder / "check_log"


@pytest.fixture
def office(office_template: Path, tmp_path: Path) -> Iterator[Office]:
    shutil.copytree(office_template, tmp_path / "var")
    made = open_office(tmp_path / "var")
    yield made
    made.archive.db.close()


def write_log(office: Office, count: int, folder: Path) -> None:
    """A log of so many events more than an office has, signed three times on the way, as static files."""
    signer = log.CheckpointSigner(office.archive)
    parts = [count // 7, count // 3, count - count // 7 - count // 3]
    for number, part in enumerate(parts):
        append_many(office.archive, part, wib(f"2026-04-0{number + 1}T08:00"), streams=max(1, part // 50))
        assert signer.sign() is not None
    publication.export_log(office.archive, folder=folder)


def read_with_go(checker: Path, folder: Path, vkey: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(checker), str(folder), vkey], capture_output=True, text=True, timeout=120)


def check_with_both(checker: Path, office: Office, folder: Path) -> None:
    vkey = office.archive.log_key.vkey
    report = check_log(DirectoryReader(str(folder)), [office.archive.log_key.verifier_key])
    assert report.verdict == "VALID", report.lines("en")
    ran = read_with_go(checker, folder, vkey)
    assert ran.stdout.splitlines()[-1] == f"LOG OK {report.events}", ran.stdout + ran.stderr
    assert "3 older checkpoints are prefixes" in ran.stdout
    # and it does look: one bit of one entry, then of the key's name
    assert report.checkpoint is not None
    bundle = folder / "tile" / "entries" / "003"
    data = bytearray(bundle.read_bytes())
    data[100] ^= 1
    bundle.chmod(0o644)
    bundle.write_bytes(bytes(data))
    assert "LOG OK" not in read_with_go(checker, folder, vkey).stdout
    codes = {
        d.code for d in check_log(DirectoryReader(str(folder)), [office.archive.log_key.verifier_key]).discrepancies
    }
    assert {"entry_differs", "root_differs"} <= codes


@pytest.mark.slow
def test_go_reads_a_small_log(checker: Path, office: Office, tmp_path: Path) -> None:
    write_log(office, 2_000, tmp_path / "log")
    check_with_both(checker, office, tmp_path / "log")


@pytest.mark.full
def test_go_reads_a_log_of_70000_events(checker: Path, office: Office, tmp_path: Path) -> None:
    write_log(office, 70_000, tmp_path / "log")
    check_with_both(checker, office, tmp_path / "log")


def test_openssl_verifies_the_signature_of_a_checkpoint(office: Office, tmp_path: Path) -> None:
    while log.sequence_pending(office.archive):
        pass
    log.CheckpointSigner(office.archive).sign()
    data = publication.read_checkpoint(office.archive)
    text, _, lines = data.decode().partition("\n\n")
    (tmp_path / "text").write_bytes(f"{text}\n".encode())
    (tmp_path / "signature").write_bytes(b64decode(lines.split(" ")[2])[note.KEY_ID_BYTES :])
    # SubjectPublicKeyInfo of an Ed25519 key (RFC 8410): a fixed head and the 32 bytes that the verifier key ends with
    key = bytes.fromhex("302a300506032b6570032100") + b64decode(office.archive.log_key.vkey.split("+", 2)[2])[1:]
    (tmp_path / "key.der").write_bytes(key)
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.der", "-keyform", "DER"]
    command += ["-in", "text", "-sigfile", "signature"]

    def verify() -> str:
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60).stdout

    assert "Signature Verified Successfully" in verify()
    (tmp_path / "text").write_bytes(f"{text}\n".replace("\n1", "\n2", 1).encode() + b"x")
    assert "Signature Verified Successfully" not in verify()
