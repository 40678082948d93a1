from __future__ import annotations

import io
import zipfile
import zlib
from datetime import datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_zip import NO_COMPRESSION_64, stream_zip

from archive_service.domain import manifest
from archive_service.domain.dossier import Dossier
from archive_service.domain.manifest import ZipEntry
from tests.bundling.dossier_builder import Builder

PARTS = st.text("abcXYZ019_-.", max_size=12).map(lambda text: f"x{text}")
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(NAMES, st.binary(max_size=50), min_size=1, max_size=5)


def zip_of(files: dict[str, bytes]) -> bytes:
    """A container made of this module's functions alone."""
    out, central = b"", b""
    for name, data in files.items():
        entry = ZipEntry(name, len(data), zlib.crc32(data), len(out))
        out += manifest.local_header(entry) + data
        central += manifest.central_header(entry)
    return out + central + manifest.end_records(len(files), len(central), len(out))


@given(FILES)
def test_container_bytes_are_those_of_stream_zip(files: dict[str, bytes]) -> None:
    members = [
        (name, datetime(1980, 1, 1), 0o100644, NO_COMPRESSION_64(len(data), zlib.crc32(data)), iter([data]))  # noqa: DTZ001
        for name, data in files.items()
    ]
    assert b"".join(stream_zip(members, extended_timestamps=False)) == zip_of(files)


@given(FILES)
def test_zipfile_reads_the_container(files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(zip_of(files))) as package:
        assert package.testzip() is None
        assert {info.filename: package.read(info) for info in package.infolist()} == files


@given(name=NAMES, size=st.integers(0, 2**63), crc=st.integers(0, 2**32 - 1), offset=st.integers(0, 2**63))
def test_a_central_record_is_read_as_it_was_written(name: str, size: int, crc: int, offset: int) -> None:
    entry = ZipEntry(name, size, crc, offset)
    data = manifest.central_header(entry)
    assert manifest.read_central_entry(b"junk" + data + b"junk", 4) == (entry, 4 + len(data))
    assert len(data) == manifest.CENTRAL_BYTES + len(name)
    assert len(manifest.local_header(entry)) == entry.data_offset - entry.offset == manifest.LOCAL_BYTES + len(name)


@given(count=st.integers(0, 2**63), size=st.integers(0, 2**62), offset=st.integers(0, 2**62 - 1))
def test_end_records_are_read_as_they_were_written(count: int, size: int, offset: int) -> None:
    data = manifest.end_records(count, size, offset)
    assert len(data) == manifest.END_BYTES
    assert manifest.read_end_records(data) == (count, size, offset)


@given(
    entry=st.builds(ZipEntry, NAMES, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)),
    data=st.data(),
)
def test_no_other_central_record_is_taken(entry: ZipEntry, data: st.DataObject) -> None:
    raw = bytearray(manifest.central_header(entry))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found, _ = manifest.read_central_entry(bytes(raw), 0)
    except ValueError:
        return
    # what is still a record is one of another file, whose every byte follows from what was read
    assert found != entry and manifest.central_header(found) == bytes(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_a_value_error(data: bytes) -> None:
    for read in (manifest.read_end_records, lambda raw: manifest.read_central_entry(raw, 0)):
        try:
            assert read(data)
        except ValueError as exc:
            assert str(exc)


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a/.hidden", "-rf", "a b", "a\\b", "a\nb", "é", "a\0", "C:/a"],
)
def test_names_that_lead_elsewhere_are_none(name: str) -> None:
    assert manifest.NAME.fullmatch(name) is None


def test_a_manifest_is_ordered_as_sha256sum_reads_it() -> None:
    digests = {"data/b": sha256(b"b").hexdigest(), "data/a": sha256(b"a").hexdigest()}
    assert manifest.manifest_text(digests.items()) == f"{digests['data/a']}  data/a\n{digests['data/b']}  data/b\n"
    assert manifest.manifest_text([]) == ""


def test_bag_info_counts_the_payload() -> None:
    text = manifest.bag_info_text(organization="Polman", dossier_id="x", bagged_on="2026-04-15", payload=[3, 4])
    assert text.splitlines() == [
        "Bag-Software-Agent: archive-service bundle 1",
        "Bagging-Date: 2026-04-15",
        "External-Identifier: x",
        "Payload-Oxum: 7.2",
        "Source-Organization: Polman",
    ]


def told(builder: Builder) -> Dossier:
    return builder.dossier


def test_documents_are_named_by_step_iteration_kind_order_and_version() -> None:
    names = list(manifest.document_names(told(Builder().play())).values())
    assert len(set(names)) == len(names)
    assert names[0] == "data/documents/s1-i1-request_letter-01-v1.pdf"
    # step 6 again after the return: the same document, its second version, in the second iteration
    assert "data/documents/s6-i1-formulation-01-v1.pdf" in names
    assert "data/documents/s6-i2-formulation-01-v2.pdf" in names
    assert "data/documents/s10-i1-submission_receipt-01-v1.png" in names
    assert all(manifest.NAME.fullmatch(name) for name in names)


def test_withdrawn_versions_and_second_documents_keep_their_names() -> None:
    builder = Builder()
    builder.play_to_step_4()
    builder.at("2026-04-10T13:00")
    first = builder.upload("sari", "5", "meeting_decision")
    builder.withdraw("sari", first)
    second = builder.upload("sari", "5", "meeting_decision")
    names = manifest.document_names(told(builder))
    assert names[first].endswith("s5-i1-meeting_decision-01-v1.pdf")
    assert names[second].endswith("s5-i1-meeting_decision-02-v1.pdf")


def test_what_one_bundle_may_hold_is_more_than_a_dossier_has() -> None:
    builder = Builder().play()
    types = [event.type for chain in builder.streams.values() for event in chain]
    assert manifest.find_excess(types * 20, [len(chain) for chain in builder.streams.values()]) is None


@given(NAMES)
def test_names_of_such_parts_are_taken(name: str) -> None:
    assert manifest.NAME.fullmatch(name)
