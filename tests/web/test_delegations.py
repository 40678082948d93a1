from __future__ import annotations

import re

from archive_service.services import users
from tests.office import PASSWORD, Office
from tests.web.conftest import Browser


def proposal(browser: Browser, substitute: str, **changes: str) -> dict[str, str]:
    """The fields that the form on the page offers, filled in."""
    page = browser.page("/delegations")
    absent = re.findall(r'<option value="(\w{32})"[^>]*>Hendra –', page)
    facts = {"mode": "plh", "from_on": "2026-03-12", "to_on": "2026-03-20", "letter": "ST-12/PL/2026"}
    return facts | {
        "assignment": absent[0],
        "substitute": browser.office.persons[substitute],
        "letter_on": "2026-03-11",
        **changes,
    }


def test_one_person_proposes_and_another_confirms(browser: Browser) -> None:
    office = browser.office
    browser.settle("hendra")
    wrong = browser.send("/delegations", **proposal(browser, "agus", to_on="2026-03-01"))
    page = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and "Hari terakhir mendahului hari pertama" in page and "ST-12/PL/2026" in page
    sent = browser.send("/delegations", **proposal(browser, "agus"))
    assert sent.headers["Location"].endswith("done=delegation_proposed")
    page = browser.page("/delegations")
    assert "Plh. Agus untuk Hendra" in page and "menunggu konfirmasi" in page
    assert "/withdrawal" in page and "/confirmation" not in page
    (delegation,) = re.findall(r'id="delegation-(\w{32})"', page)
    own = browser.send(f"/delegations/{delegation}/confirmation")
    assert own.status_code == 403 and "harus dilakukan orang lain" in own.get_data(as_text=True)
    browser.client.delete_cookie("archive_session")
    browser.settle("agus")
    assert "/confirmation" in browser.page("/delegations")
    assert browser.send(f"/delegations/{delegation}/confirmation").status_code == 303
    assert "berlaku" in browser.page("/delegations")
    assert [a.role for a in office.actor("agus").assignments] == ["sakip_team", "section_head"]
    english = browser.page("/delegations?lang=en")
    assert "Delegation (Plh./Plt.)" in english and "in force" in english


def test_who_may_propose_nothing_gets_no_form(browser: Browser) -> None:
    browser.settle("wahyu")
    page = browser.page("/delegations")
    assert "Pelimpahan (Plh./Plt.)" in page and 'name="letter"' not in page


def test_the_start_page_asks_a_performer_to_attest_once(browser: Browser) -> None:
    browser.settle("bima")
    page = browser.page("/")
    assert "Mohon pernyataan Anda" in page and "Pelaksana bertanggung jawab" in page
    fields = dict(re.findall(r'name="(assignment|sop)" value="([^"]+)"', page))
    done = browser.send("/attestations", **fields)
    assert done.headers["Location"].endswith("done=attested")
    page = browser.page("/?done=attested")
    assert "Pernyataan Anda tercatat." in page and "Mohon pernyataan Anda" not in page


def flagged(office: Office) -> str:
    dossier = office.play("7", with_return=False)
    admin, hendra = office.actor("admin"), office.actor("hendra")
    users.set_password(office.archive, admin, user=hendra.user, password=PASSWORD + "!")
    office.decide(dossier, "hendra", "8", "approve")
    return dossier


def test_a_flag_shows_beside_its_decision(browser: Browser) -> None:
    dossier = flagged(browser.office)
    browser.settle("wahyu")
    page = browser.page(f"/dossiers/{dossier}")
    assert "Ditandai: administrator mengatur kata sandi Hendra" in page and "Keputusan pada langkah 8 ditandai" in page
