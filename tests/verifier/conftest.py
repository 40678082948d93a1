from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive_service.errors import ArchiveError
from archive_service.runner import Runner
from archive_service.services import deviations, reading
from archive_service.signing import SigningKey
from tests.bundling.dossier_builder import LOG_KEY, Builder
from tests.office import make_office


@dataclass(frozen=True)
class Sealed:
    """A real bundle and the key that its log was signed with."""

    bundle: bytes
    key: SigningKey


@pytest.fixture(scope="session")
def sealed() -> Sealed:
    """A small bundle made in memory."""
    return Sealed(Builder().play().bundle(), LOG_KEY)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """A dossier with a late, explained step and a return, played, sealed and bundled by the service."""
    office = make_office(tmp_path_factory.mktemp("sealed") / "var")
    dossier = office.play("10")
    office.turn()
    late = reading.read_dossier(office.archive, office.actor("sari"), dossier=dossier)["deviations"][0]
    deviations.explain_deviation(
        office.archive, office.actor("sari"), dossier=dossier, deviation=late["deviation"], explanation="Libur panjang"
    )
    office.at("2026-03-31T10:12")
    office.seal(dossier)
    runner = Runner(office.archive)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        runner.turn()
        try:
            content = reading.read_bundle(office.archive, office.actor("maya"), dossier=dossier)
            break
        except ArchiveError:
            time.sleep(0.05)
    data = b"".join(content.chunks)
    office.archive.db.close()
    return Sealed(data, office.archive.log_key)


@pytest.fixture
def bundle_file(served: Sealed, tmp_path: Path) -> Path:
    """The service's bundle as a file."""
    path = tmp_path / "bundle.zip"
    path.write_bytes(served.bundle)
    return path
