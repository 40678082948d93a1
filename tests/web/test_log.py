"""What pages say of the log: its proofs beside the records, and a banner when it has stopped."""

from __future__ import annotations

import html
import io
import re
import zipfile
from hashlib import sha256

from archive_service.app import create_app
from archive_service.errors import LogIntegrityError
from archive_service.services import log
from archive_service.verifier.log_proof import require_proved
from tests.office import Office
from tests.web.conftest import Browser


def test_a_stopped_log_is_said_on_every_page_to_whoever_is_logged_in(office: Office) -> None:
    app = create_app(office.archive)
    browser = Browser(app, office).settle("maya")
    assert "log_forked" not in browser.page("/dossiers")
    log.record_stop(
        office.archive, LogIntegrityError("log_forked", "The first 5 events are not the ones that were signed.")
    )
    for path in ("/", "/dossiers", "/akun"):
        text = browser.page(path)
        assert "Log berhenti menandatangani sejak" in text and "(log_forked)" in text
    assert "signs nothing more since" in browser.page("/dossiers?lang=en")
    assert "log_forked" not in Browser(app, office).page("/login")
    log.record_stop(office.archive, None)
    assert "log_forked" not in browser.page("/dossiers")


def test_each_record_has_its_proof_on_the_dossiers_page(office: Office) -> None:
    dossier = office.play("2")
    browser = Browser(create_app(office.archive), office).settle("maya")
    path = f"/dossiers/{dossier}"
    early = browser.get(f"{path}/proofs/0")
    assert early.status_code == 409 and "Coba lagi" in early.get_data(as_text=True)
    assert browser.get(f"{path}/proofs").status_code == 409
    office.turn()
    office.turn()
    links = re.findall(rf'href="({path}/proofs/\d+)"', browser.page(path))
    assert len(links) > 5
    key = office.archive.log_key.verifier_key
    for seq, link in enumerate(sorted(links, key=lambda link: int(link.rsplit("/", 1)[1]))):
        answer = browser.get(link)
        assert "attachment" in answer.headers["Content-Disposition"]
        assert require_proved(answer.data, [key]).event.seq == seq
    answer = browser.get(f"{path}/proofs")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as made:
        assert len(made.namelist()) == len(links) + 2
    assert browser.get(f"{path}/proofs/999999999999999999999").status_code == 404


def test_the_checkpoint_has_a_page_to_print_and_sign(lite: Office) -> None:
    app = create_app(lite.archive)
    browser = Browser(app, lite).settle("maya")
    assert "Belum ada yang disegel" in browser.page("/segel")
    lite.turn()
    text = browser.page("/segel")
    with lite.archive.db.read() as session:
        note = log.newest_checkpoint(session)
    assert note is not None and html.escape(note.decode(), quote=True).replace("&#x27;", "&#39;") in text
    assert sha256(note).hexdigest() in text and lite.archive.log_key.vkey.replace("+", "+") in text
    assert "saksi 0 dari 0" in text and 'class="signature"' in text and "--since checkpoint.txt" in text
    assert 'href="/segel"' in browser.page("/")
