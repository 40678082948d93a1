from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from archive_service.app import create_app
from archive_service.db.models import ApiTokenRow, JobRow
from archive_service.services import people, users
from archive_service.web.admin.units import grow_tree
from tests.office import SAMPLES, Office
from tests.web.conftest import ORIGIN, Browser

SOP = (SAMPLES.parent / "sops" / "sop-spmi-601.toml").read_text(encoding="utf-8")
SCHEDULE = (SAMPLES.parent / "retention" / "contoh.toml").read_text(encoding="utf-8")
PAGES = (
    "",
    "/unit",
    "/orang",
    "/akun",
    "/sop",
    "/sop/periksa",
    "/sop/beda?kunci=sop-spmi-601&dari=1&ke=1",
    "/kewajiban",
    "/retensi",
    "/retensi/periksa",
    "/token",
    "/webhook",
    "/saksi",
)


@pytest.fixture
def house(lite: Office) -> Office:
    return lite


@pytest.fixture
def pages(house: Office) -> Flask:
    return create_app(house.archive)


@pytest.fixture
def admin(house: Office, pages: Flask) -> Browser:
    return Browser(pages, house).settle("admin")


def test_every_page_answers_in_both_languages_and_shows_no_secret(house: Office, admin: Browser) -> None:
    secret = users.create_token(house.archive, house.actor("admin"), name="Skrip", days=5).secret
    for path in PAGES:
        for language in ("id", "en"):
            page = admin.page(f"/admin{path}{'&' if '?' in path else '?'}lang={language}")
            assert page.count("<h1") == 1, path
            assert secret not in page and "postgresql://" not in page
    assert "Keadaan layanan" in admin.page("/admin?lang=id") and "sop-spmi-601" in admin.page("/admin/sop").lower()


def test_a_unit_is_added_below_another_and_the_tree_shows_it(house: Office, admin: Browser) -> None:
    form = {"name": "Jurusan Teknik Mesin", "code": "JTM", "parent": house.unit}
    assert admin.send("/admin/unit", **{**form, "code": "j t m"}).status_code == 422
    assert admin.send("/admin/unit", **form).status_code == 303
    assert admin.send("/admin/unit", **form).status_code == 409
    page = admin.page("/admin/unit")
    assert "depth-1" in page and "Jurusan Teknik Mesin" in page and "<code>jtm</code>" in page


def test_units_of_an_unknown_parent_stand_at_the_top() -> None:
    units: list[dict[str, Any]] = [
        {"work_unit": "c", "parent": "b"},
        {"work_unit": "b", "parent": "gone"},
        {"work_unit": "a", "parent": None},
        {"work_unit": "d", "parent": "a"},
    ]
    assert [(u["work_unit"], u["depth"]) for u in grow_tree(units)] == [("b", 0), ("c", 1), ("a", 0), ("d", 1)]


def test_a_person_gets_a_role_and_a_log_in_and_loses_the_role_again(house: Office, admin: Browser) -> None:
    assert admin.send("/admin/orang", name="").status_code == 422
    made = admin.send("/admin/orang", name="Dewi Lestari, S.T.")
    path = made.headers["Location"].partition("?")[0]
    assert made.status_code == 303 and re.fullmatch(r"/admin/orang/[0-9a-f]{32}", path)
    role = {"role": "auditor", "work_unit": house.unit, "from_on": "2026-03-01", "to_on": "2026-06-30"}
    assert admin.send(f"{path}/penugasan", **{**role, "to_on": "2026-01-01"}).status_code == 422
    assert admin.send(f"{path}/penugasan", **role).status_code == 303
    again = admin.send(f"{path}/penugasan", **role)
    assert again.status_code == 409 and "sudah memegang peran ini" in again.get_data(as_text=True)
    login = {"login": "dewi", "password": "kata sandi yang panjang"}
    assert admin.send(f"{path}/akun", **{**login, "password": "pendek"}).status_code == 422
    assert admin.send(f"{path}/akun", **login).status_code == 303
    page = admin.page(path)
    assert "30 Juni 2026" in page and "dewi" in page and "boleh masuk" in page
    (ending,) = re.findall(rf'action="({path}/penugasan/[0-9a-f]+/akhir)"', page)
    assert admin.send(ending).status_code == 422
    assert admin.send(ending, confirm="yes").status_code == 303
    assert ending not in admin.page(path) and "berakhir" in admin.page(path)


def test_a_log_in_gets_a_new_password_and_address_on_its_persons_page_alone(house: Office, admin: Browser) -> None:
    person, user = house.persons["sari"], house.actor("sari").user
    path = f"/admin/orang/{person}/akun/{user}"
    assert admin.send(f"{path}/sandi", password="pendek").status_code == 422
    assert admin.send(f"{path}/sandi", password="sandi baru yang panjang").status_code == 303
    assert users.check_password(house.archive, login="sari", password="sandi baru yang panjang").user == user
    assert admin.send(f"{path}/surel", mail="bukan surel").status_code == 422
    assert admin.send(f"{path}/surel", mail="sari@example.ac.id").status_code == 303
    assert "sari@example.ac.id" in admin.page(f"/admin/orang/{person}")
    assert admin.send(f"/admin/orang/{house.persons['bima']}/akun/{user}/sandi", password="x" * 20).status_code == 404


def test_a_log_in_is_limited_its_sessions_end_and_a_link_is_made(house: Office, pages: Flask, admin: Browser) -> None:
    other = Browser(pages, house).settle("sari")
    person, user = house.persons["sari"], house.actor("sari").user
    path = f"/admin/orang/{person}/akun/{user}"
    assert admin.send(f"{path}/masa", from_on="2026-05-01", until_on="2026-04-01").status_code == 422
    assert admin.send(f"{path}/masa", until_on="2026-12-31").status_code == 303
    assert "31 Desember 2026" in admin.page(f"/admin/orang/{person}") and "31 Desember 2026" in admin.page(
        "/admin/akun"
    )
    assert admin.send(f"{path}/sesi").status_code == 303
    assert other.get("/password").status_code == 303
    assert admin.send(f"{path}/aplikasi").status_code == 409
    made = admin.send(f"{path}/tautan")
    (secret,) = re.findall(r"/sandi-baru/([A-Za-z0-9_-]+)<", made.get_data(as_text=True))
    assert made.status_code == 200 and secret not in admin.page(f"/admin/orang/{person}")
    assert pages.test_client().get(f"/sandi-baru/{secret}").status_code == 200
    own = f"/admin/orang/{house.persons['admin']}/akun/{house.actor('admin').user}"
    assert admin.send(f"{own}/aplikasi").status_code == 409
    assert admin.send(f"{own}/masa", until_on="2026-12-31").status_code == 409
    assert admin.send(f"{path}/masa", until_on="2026-03-01").status_code == 303
    assert "di luar masa berlakunya" in admin.page("/admin/akun")


def test_people_are_found_by_name_log_in_role_and_unit_and_come_in_pages(
    house: Office, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names(query: str) -> list[str]:
        return re.findall(r'href="/admin/orang/[0-9a-f]{32}">([^<]+)<', admin.page(f"/admin/orang{query}"))

    assert names("?q=SARI") == ["Sari"] and names("?q=%25") == [] and names("?role=auditor") == ["Wahyu"]
    assert len(names(f"?unit={house.unit}")) == 9 and names("?role=tidak_ada") == names("")
    monkeypatch.setattr("archive_service.web.admin.page.SHOWN", 4)
    seen, path = [], "/admin/orang"
    for _ in range(3):
        page = admin.page(path)
        seen += re.findall(r'href="/admin/orang/[0-9a-f]{32}">([^<]+)<', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert path == "" and seen == sorted(seen, key=str.lower) and len(seen) == 9
    # a cursor that is not ours begins anew
    assert admin.page("/admin/orang?after=%F0%9F%92%A5") and admin.page("/admin/orang?after=WzFd")


def test_auditors_read_who_is_who_and_change_nothing(house: Office, pages: Flask) -> None:
    browser = Browser(pages, house).settle("wahyu")
    page = browser.page(f"/admin/orang/{house.persons['sari']}")
    assert "<form" not in page.partition("<main")[2] and "Sari" in browser.page("/admin/akun")
    users.set_mail(house.archive, house.actor("admin"), user=house.actor("sari").user, mail="rahasia@example.ac.id")
    assert "rahasia@example.ac.id" not in browser.page(f"/admin/orang/{house.persons['sari']}")
    for path in ("/admin", "/admin/token", "/admin/sop"):
        assert browser.get(path).status_code == 403
    assert browser.send("/admin/orang", name="X").status_code == 403


def test_a_text_is_checked_with_lines_looked_at_and_registered(house: Office, admin: Browser) -> None:
    broken = SOP.replace("version = 1", "version = 2").replace("amount = 2,", 'amount = "dua",')
    answer = admin.send("/admin/sop/periksa", text=broken)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "steps[" in page
    line = next(i for i, each in enumerate(broken.splitlines(), 1) if 'amount = "dua"' in each)
    assert f'<td class="number">{line}</td>' in page
    draft = SOP.replace("version = 1", "version = 2").replace('owner = "Bagian', 'owner = "ISI UNIT PEMILIK')
    assert "ISI UNIT PEMILIK" in admin.send("/admin/sop", text=draft).get_data(as_text=True)
    assert admin.send("/admin/sop", text=draft).status_code == 422
    assert (
        admin.send("/admin/sop/periksa", text=SOP.replace("version = 1", "version = 1\nremarks = 'x'")).status_code
        == 422
    )
    assert admin.send("/admin/sop/periksa", text="").status_code == 422
    no_toml = admin.send("/admin/sop/periksa", text="schema = 1\nkind = = 2\n").get_data(as_text=True)
    assert '<td class="number">2</td>' in no_toml
    sound = SOP.replace("version = 1", "version = 2").replace("Pengukuran Data Kinerja Satuan Kerja", "Judul Baru", 1)
    file = (io.BytesIO(sound.encode()), "sop.toml")
    data = {"csrf": admin.token(), "file": file}
    looked = admin.client.post("/admin/sop/periksa", data=data, headers={"Origin": ORIGIN})
    page = looked.get_data(as_text=True)
    assert looked.status_code == 200 and '<svg xmlns="http://www.w3.org/2000/svg"' in page and "Judul Baru" in page
    bad = {"csrf": admin.token(), "file": (io.BytesIO(b"\xff\xfe"), "sop.toml")}
    assert admin.client.post("/admin/sop/periksa", data=bad, headers={"Origin": ORIGIN}).status_code == 422
    assert admin.send("/admin/sop", text=sound.replace("\n", "\r\n")).status_code == 303
    assert admin.send("/admin/sop", text=sound).status_code == 303
    listed = admin.page("/admin/sop")
    assert "versi 2" in listed and "kunci=sop-spmi-601" in listed
    compared = admin.page("/admin/sop/beda?kunci=sop-spmi-601&dari=1&ke=2")
    assert "<ins" in compared and "Judul Baru" in compared and "1 perbedaan" in compared
    assert admin.get("/admin/sop/beda?kunci=sop-spmi-601&dari=1&ke=99").status_code == 404


def test_the_api_refuses_a_draft_that_is_not_filled_in(house: Office, pages: Flask) -> None:
    secret = users.create_token(house.archive, house.actor("admin"), name="Skrip", days=5).secret
    draft = SOP.replace("version = 1", "version = 2").replace('owner = "Bagian', 'owner = "ISI UNIT PEMILIK')
    answer = pages.test_client().post(
        "/api/v1/definitions", data=draft.encode(), headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 422
    assert [problem["place"] for problem in answer.get_json()["problems"]] == ["owner"]


def test_who_uses_a_version_is_counted_by_unit_and_quarter(house: Office, pages: Flask) -> None:
    house.at("2026-03-13T09:10")
    house.open()
    admin = Browser(pages, house).settle("admin")
    (path,) = re.findall(r'href="(/admin/sop/[0-9a-f]{64}/pemakaian)"', admin.page("/admin/sop"))
    page = admin.page(path)
    assert "Polman Babel" in page and "I/2026" in page and "/dossiers" not in page.partition("<main")[2]


def test_a_schedule_is_checked_and_registered(house: Office, admin: Browser) -> None:
    own = SCHEDULE.replace("version = 1", "version = 2").replace("is_example = true", "is_example = false")
    broken = admin.send("/admin/retensi/periksa", text=own.replace('"musnah"', '"hilang"'))
    assert broken.status_code == 422 and "entries[0].disposition" in broken.get_data(as_text=True)
    assert admin.send("/admin/retensi/periksa", text=SOP).status_code == 422
    assert "Daftarkan versi 2" in admin.send("/admin/retensi/periksa", text=own).get_data(as_text=True)
    assert "Baru ada contoh" in admin.page("/admin/retensi")
    assert admin.send("/admin/retensi", text=own).status_code == 303
    page = admin.page("/admin/retensi")
    assert "Baru ada contoh" not in page
    (digest, _) = re.findall(r'href="/admin/retensi/([0-9a-f]{64})"', page)
    assert "permanen" in admin.page(f"/admin/retensi/{digest}")
    assert "is_example = false" in admin.page(f"/admin/retensi/periksa?dari={digest}")


def test_a_quarter_is_ticked_for_all_units_at_once_and_one_is_withdrawn(house: Office, pages: Flask) -> None:
    unit = people.create_work_unit(house.archive, house.actor("admin"), code="lain", name="Unit Lain")
    browser = Browser(pages, house).settle("nuraini")
    period = {"year": "2026", "quarter": "2"}
    cells = [f"{house.unit}:sop-spmi-601", f"{unit}:sop-spmi-601"]
    assert browser.send("/admin/kewajiban", due_on="2026-07-10", **period).status_code == 422
    refused = browser.send("/admin/kewajiban", due_on="2026-01-10", cells=cells[:1], **period)
    assert refused.status_code == 422 and refused.get_data(as_text=True).count(" checked") == 1
    made = browser.send("/admin/kewajiban", due_on="2026-07-10", cells=cells[:1], **period)
    assert made.status_code == 303 and "made=1" in made.headers["Location"]
    again = browser.send("/admin/kewajiban", due_on="2026-07-10", cells=cells, **period)
    page = browser.page(again.headers["Location"])
    assert "1 kewajiban ditetapkan sekarang" in page and "1 sudah ada sebelumnya" in page
    first = re.findall(r'action="(/admin/kewajiban/[0-9a-f]{32}/tarik)"', page)[0]
    assert browser.send(first, reason="", **period).status_code == 422
    assert browser.send(first, reason="Unit dibubarkan.", **period).status_code == 303
    assert first not in browser.page("/admin/kewajiban?year=2026&quarter=2")


def test_tokens_show_their_last_use_and_are_revoked(house: Office, pages: Flask, admin: Browser) -> None:
    token = users.create_token(house.archive, house.actor("sari"), name="Skrip laporan", days=5, scopes=["dossier"])
    assert "tidak diketahui" in admin.page("/admin/token")
    asked = pages.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {token.secret}"})
    assert asked.status_code == 200
    with house.archive.db.read() as session:
        first = session.execute(select(ApiTokenRow.used_at).where(ApiTokenRow.id == token.id)).scalar_one()
    assert first is not None
    page = admin.page("/admin/token")
    assert "Skrip laporan" in page and "tidak diketahui" not in page and "<code>dossier</code>" in page
    assert admin.send(f"/admin/token/{token.id}/cabut").status_code == 303
    assert "Skrip laporan" not in admin.page("/admin/token")
    assert "Skrip laporan" in admin.page("/admin/token?semua=1")
    assert admin.send(f"/admin/token/{'0' * 32}/cabut").status_code == 404


def test_a_webhooks_secret_is_shown_once_and_it_is_removed(house: Office, admin: Browser) -> None:
    assert admin.send("/admin/webhook", url="ftp://x").status_code == 422
    page = admin.send("/admin/webhook", url="https://hooks.example/").get_data(as_text=True)
    assert "whsec_" in page and "whsec_" not in admin.page("/admin/webhook")
    (path,) = re.findall(r'action="(/admin/webhook/[0-9a-f]{32}/hapus)"', page)
    assert admin.send(path).status_code == 303
    assert "hooks.example" not in admin.page("/admin/webhook")


def test_a_job_that_was_given_up_is_tried_again(house: Office, pages: Flask) -> None:
    house.at("2026-03-13T09:10")
    house.submit(house.open(), "ratna", "1")
    admin = Browser(pages, house).settle("admin")
    with house.archive.db.write() as session:
        job = session.execute(select(JobRow.id).limit(1)).scalar_one()
        failed = {
            "state": "failed",
            "attempts": 8,
            "error": "store_unavailable: x",
            "finished_at": house.archive.timer(),
        }
        session.execute(update(JobRow).where(JobRow.id == job).values(**failed))
    page = admin.page("/admin")
    assert "store_unavailable" in page and f"/admin/pekerjaan/{job}/ulang" in page
    assert "Polman Babel" in page and "kB" in page
    assert admin.send(f"/admin/pekerjaan/{job}/ulang").status_code == 303
    with house.archive.db.read() as session:
        row = session.get_one(JobRow, job)
        assert (row.state, row.attempts, row.finished_at) == ("ready", 0, None)
    assert admin.send(f"/admin/pekerjaan/{job}/ulang").status_code == 409
    assert admin.send(f"/admin/pekerjaan/{'0' * 32}/ulang").status_code == 404
