from __future__ import annotations

import re

from archive_service.services.work import load_dossier
from tests.office import Office
from tests.web.conftest import Browser


def versions_on(page: str, act: str) -> list[str]:
    """The version ids that the form of an act would send."""
    form = page.split(f'/{act}"', 1)[1].split("</form>", 1)[0]
    return re.findall(r'name="version" value="(\w+)"', form)


def state_of(office: Office, dossier: str, step: str) -> str:
    with office.archive.db.read() as session:
        return load_dossier(office.archive, session, dossier).step_state(step)


def test_a_step_is_submitted_with_the_versions_that_its_page_showed(browser: Browser) -> None:
    office = browser.office
    dossier = office.play("3")
    browser.settle("sari")
    page = browser.page(f"/dossiers/{dossier}")
    assert "Langkah dapat dikirim setelah keluarannya ada" in page and "/submission" not in page
    sent = [r.version for r in office.upload(dossier, "agus", "4")]
    assert sorted(versions_on(browser.page(f"/dossiers/{dossier}"), "submission")) == sorted(sent)
    stale = browser.send(f"/dossiers/{dossier}/steps/4/submission", version=sent[:1])
    assert stale.status_code == 409 and "Dokumen sudah berubah" in stale.get_data(as_text=True)
    done = browser.send(f"/dossiers/{dossier}/steps/4/submission", version=sent)
    assert (done.status_code, state_of(office, dossier, "4")) == (303, "finished")


def test_a_return_needs_a_reason_and_keeps_nothing_without_one(browser: Browser) -> None:
    office = browser.office
    dossier = office.play("7")
    browser.settle("hendra")
    page = browser.page(f"/dossiers/{dossier}")
    seen = versions_on(page, "decision")
    assert len(seen) == 1 and "06-rumusan-capaian-kinerja.pdf" in page
    path = f"/dossiers/{dossier}/steps/8/decision"
    refused = browser.send(path, version=seen, decision="return", reason="")
    assert refused.status_code == 422 and "alasan wajib diisi" in refused.get_data(as_text=True)
    done = browser.send(path, version=seen, decision="return", reason="Angka IKU 2 keliru.")
    assert done.headers["Location"].endswith("?done=returned#main")
    assert (state_of(office, dossier, "8"), state_of(office, dossier, "6")) == ("waiting", "running")


def test_nobody_approves_what_they_have_not_seen_and_the_reason_stays_typed(browser: Browser) -> None:
    office = browser.office
    dossier = office.play("7")
    browser.settle("hendra")
    with office.archive.db.read() as session:
        other = load_dossier(office.archive, session, dossier).versions[0].id
    path = f"/dossiers/{dossier}/steps/8/decision"
    refused = browser.send(path, version=other, decision="approve", reason="Sudah saya baca <dua kali>.")
    page = refused.get_data(as_text=True)
    assert refused.status_code == 409 and "Dokumen sudah berubah sejak Anda melihatnya" in page
    assert "Sudah saya baca &lt;dua kali&gt;." in page
    assert browser.send(path, version=versions_on(page, "decision"), decision="approve").status_code == 303
    assert state_of(office, dossier, "8") == "finished"


def test_who_performed_a_step_is_told_why_they_may_not_check_it(browser: Browser) -> None:
    from archive_service.services import people

    office = browser.office
    people.assign_role(
        office.archive,
        office.actor("admin"),
        person=office.persons["bima"],
        role="sakip_team",
        work_unit=office.unit,
        from_on="2026-01-01",
    )
    dossier = office.play("6")
    browser.settle("bima")
    page = browser.page(f"/dossiers/{dossier}")
    assert "Anda melaksanakan langkah yang diperiksa oleh langkah ini" in page and "/decision" not in page
    assert "Anda melaksanakan langkah yang diperiksa" in browser.page("/").split("Pada orang lain")[1]


def test_archiving_seals_and_the_bundle_is_shown_when_it_is_ready(browser: Browser) -> None:
    office = browser.office
    dossier = office.play("10")
    office.at("2026-03-31T10:12")
    office.turn()
    browser.settle("maya")
    page = browser.page(f"/dossiers/{dossier}")
    assert "1 penyimpangan mutu baku belum dijelaskan" in page
    done = browser.send(f"/dossiers/{dossier}/steps/11/archiving")
    assert done.headers["Location"].endswith("?done=archived#main")
    waiting = browser.page(f"/dossiers/{dossier}")
    assert "Paket arsip sedang dibuat" in waiting and "data-progress" in waiting
    assert browser.get(f"/dossiers/{dossier}/bundle").status_code == 409
    progress = browser.get(f"/dossiers/{dossier}/bundle/progress").get_json()
    assert (progress["is_ready"], progress["state"]) == (False, "ready")
    office.turn()
    for _ in range(20):
        if browser.get(f"/dossiers/{dossier}/bundle/progress").get_json()["is_ready"]:
            break
        office.turn()
    ready = browser.page(f"/dossiers/{dossier}")
    assert "Unduh paket arsip" in ready and "data-progress" not in ready and "/archiving" not in ready
    bundle = browser.get(f"/dossiers/{dossier}/bundle")
    assert bundle.status_code == 200 and bundle.data.startswith(b"PK")
    again = browser.send(f"/dossiers/{dossier}/steps/11/archiving")
    assert again.status_code == 409 and "sudah diarsipkan" in again.get_data(as_text=True)
