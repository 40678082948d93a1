"""The page that holds a kept checkpoint against the log, as anybody at the desk uses it."""

from __future__ import annotations

import io

from flask import Flask

from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.services import publication
from tests.office import Office
from tests.web.conftest import ORIGIN, Browser

PAGE = "/segel/bandingkan"


def test_a_kept_checkpoint_is_compared_pasted_or_as_a_file(office: Office, app: Flask) -> None:
    office.turn()
    kept = publication.read_checkpoint(office.archive)
    browser = Browser(app, office).settle("maya")
    assert PAGE in browser.page("/segel")
    page = browser.send(PAGE, form=PAGE, note=kept.decode()).get_data(as_text=True)
    assert "(same)" in page and "masih seperti waktu itu" in page
    data = {"csrf": browser.token(PAGE), "note": "", "file": (io.BytesIO(kept), "checkpoint.txt")}
    page = browser.client.post(PAGE, data=data, headers={"Origin": ORIGIN}).get_data(as_text=True)
    assert "(same)" in page
    assert "(unreadable)" in browser.send(PAGE, note="halo").get_data(as_text=True)


def test_a_fork_stops_with_both_roots_and_what_to_do(office: Office, app: Flask) -> None:
    office.turn()
    forged = office.archive.log_key.sign(format_checkpoint(Checkpoint(office.archive.log.origin, 3, b"\x01" * 32)))
    browser = Browser(app, office).settle("wahyu")
    page = browser.send(PAGE, note=forged.decode()).get_data(as_text=True)
    assert 'role="alert"' in page and "Log telah diubah" in page and "(fork)" in page
    assert "01" * 32 in page and "Simpan baik-baik" in page and "verify.py" in page
