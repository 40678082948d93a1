from __future__ import annotations

import pytest

from archive_service.domain.log_proof import HEADER, LogProof, LogProofError, format_log_proof, parse_log_proof

NOTE = "archive.test/log\n3\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n\n— archive.test/log AAAA\n".encode()
PROOF = LogProof(2, (b"\1" * 32, b"\2" * 32), NOTE, b'{"v":1}')


def test_a_proof_is_written_as_the_specification_says() -> None:
    one = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    two = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
    text = f"c2sp.org/tlog-proof@v1\nextra eyJ2IjoxfQ==\nindex 2\n{one}\n{two}\n\n"
    assert format_log_proof(PROOF) == text.encode() + NOTE
    assert parse_log_proof(format_log_proof(PROOF)) == PROOF
    alone = LogProof(0, (), NOTE)
    assert format_log_proof(alone) == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + NOTE
    assert parse_log_proof(format_log_proof(alone)) == alone


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (HEADER.encode(), b"c2sp.org/tlog-proof@v2"),
        (b"index 2", b"index 02"),
        (b"index 2", b"index -2"),
        (b"index 2\n", b""),
        (b"AQEB", b"AQE"),
        (b"EBAQE=\n", b"EBAQF=\n"),
        (b"extra eyJ2IjoxfQ==", b"extra eyJ2IjoxfR=="),
        (b"extra eyJ2IjoxfQ==", "extra é".encode()),
        (b"\n\n", b"\n"),
    ],
)
def test_another_spelling_is_refused(old: bytes, new: bytes) -> None:
    data = format_log_proof(PROOF)
    changed = data.replace(old, new) if old == b"\n\n" else data.replace(old, new, 1)
    assert changed != data
    with pytest.raises(LogProofError):
        parse_log_proof(changed)


def test_a_path_longer_than_any_tree_is_refused() -> None:
    with pytest.raises(LogProofError):
        parse_log_proof(format_log_proof(LogProof(0, (b"\1" * 32,) * 64, NOTE)))
