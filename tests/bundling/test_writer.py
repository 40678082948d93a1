from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import bagit
import pytest

from archive_service.bundling.plan import make_plan
from archive_service.bundling.writer import write_bundle
from archive_service.domain import canonical
from archive_service.errors import LogIntegrityError
from tests.bundling.dossier_builder import Builder


@pytest.fixture(scope="module")
def builder() -> Builder:
    return Builder().play()


@pytest.fixture(scope="module")
def plan(builder: Builder) -> bytes:
    return make_plan(builder.evidence())


@pytest.fixture(scope="module")
def bag(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unzipped bag."""
    target = tmp_path_factory.mktemp("bag")
    with zipfile.ZipFile(io.BytesIO(builder.bundle())) as package:
        package.extractall(target)
    return next(target.iterdir())


def test_the_same_plan_gives_the_same_bytes(builder: Builder, plan: bytes) -> None:
    first = b"".join(write_bundle(plan, builder.open_object))
    assert first == b"".join(write_bundle(plan, builder.open_object))


def test_how_the_store_cuts_its_bytes_changes_nothing(builder: Builder, plan: bytes) -> None:
    def bytewise(digest: str) -> Iterator[bytes]:
        data = builder.objects[digest]
        return (data[i : i + 1] for i in range(len(data)))

    assert b"".join(write_bundle(plan, bytewise)) == builder.bundle()


def test_zip_tools_read_every_file_stored_and_dated_alike(builder: Builder, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(builder.bundle())
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        for info in package.infolist():
            assert info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
            assert info.date_time == (1980, 1, 1, 0, 0, 0) and info.external_attr >> 16 == 0o100644
            assert info.flag_bits == 0x0800 and not info.comment
    if shutil.which("unzip"):
        done = subprocess.run(["unzip", "-tq", str(path)], capture_output=True)
        assert done.returncode == 0, done.stdout


def test_bagit_validates_the_bag(bag: Path) -> None:
    assert bagit.Bag(str(bag)).validate()


@pytest.mark.parametrize("name", ["manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_sha256sum_checks_the_manifests(bag: Path, name: str) -> None:
    done = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", name], cwd=bag, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_nothing_in_the_bag_is_outside_its_manifest(bag: Path) -> None:
    listed = {line.split("  ", 1)[1] for line in (bag / "manifest-sha256.txt").read_text().splitlines()}
    assert listed == {str(p.relative_to(bag)) for p in (bag / "data").rglob("*") if p.is_file()}


def written(builder: Builder, plan: bytes, digest: str, data: bytes) -> int:
    """Bytes written before the damage was met; LogIntegrityError is what must come."""
    size = 0

    def damaged(asked: str) -> Iterator[bytes]:
        return iter([data]) if asked == digest else builder.open_object(asked)

    for chunk in write_bundle(plan, damaged):
        size += len(chunk)
    return size


@pytest.mark.parametrize("change", ["flipped", "shorter", "longer", "empty", "endless"])
def test_a_damaged_object_aborts_the_build_and_is_named(builder: Builder, plan: bytes, change: str) -> None:
    entry = [e for e in canonical.decode(plan)["entries"] if "object" in e][2]
    data = builder.objects[entry["object"]]
    changed = {
        "flipped": bytes([data[0] ^ 1]) + data[1:],
        "shorter": data[:-1],
        "longer": data + b"\0",
        "empty": b"",
        "endless": data * 1000,
    }[change]
    with pytest.raises(LogIntegrityError) as caught:
        written(builder, plan, entry["object"], changed)
    assert (caught.value.code, caught.value.params) == ("object_damaged", {"digest": entry["object"]})


def test_an_object_with_the_right_bytes_and_a_wrong_recorded_crc_aborts_the_build(
    builder: Builder, plan: bytes
) -> None:
    value = canonical.decode(plan)
    entry = next(e for e in value["entries"] if "object" in e)
    entry["crc32"] ^= 1
    with pytest.raises(LogIntegrityError) as caught:
        b"".join(write_bundle(canonical.encode(value), builder.open_object))
    assert caught.value.code == "object_damaged"


def test_a_store_that_fails_is_not_hidden(builder: Builder, plan: bytes) -> None:
    def failing(digest: str) -> Iterator[bytes]:
        yield b""
        raise LogIntegrityError("object_missing", "gone", digest=digest)

    with pytest.raises(LogIntegrityError, match="gone") as caught:
        b"".join(write_bundle(plan, failing))
    assert caught.value.code == "object_missing"


def test_pieces_are_small_whatever_the_document(builder: Builder) -> None:
    large = Builder()
    large.play_to_step_4()
    large.at("2026-04-10T13:00")
    large.upload("sari", "5", "meeting_decision", bytes(5 * 1024 * 1024))
    large.play_from_step_5()
    assert large.sealed_statement != builder.sealed_statement

    def pieces(digest: str) -> Iterator[bytes]:
        data = large.objects[digest]
        return (data[i : i + 65536] for i in range(0, len(data), 65536))

    sizes = [len(chunk) for chunk in write_bundle(make_plan(large.evidence()), pieces)]
    assert max(sizes) <= 1024 * 1024 and sum(sizes) == len(large.bundle())


def test_every_byte_is_hashed_again(builder: Builder, plan: bytes) -> None:
    digests = {e["object"] for e in canonical.decode(plan)["entries"] if "object" in e}
    assert digests == {sha256(builder.objects[d]).hexdigest() for d in digests}
    asked: list[str] = []

    def counting(digest: str) -> Iterator[bytes]:
        asked.append(digest)
        return builder.open_object(digest)

    assert b"".join(write_bundle(plan, counting)) and sorted(asked) == sorted(digests)
