from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from archive_service.app import create_app
from tests.office import PASSWORD, Office

CATALOGUE = Path(__file__).parents[2] / "archive_service" / "translations" / "id" / "LC_MESSAGES"
ORIGIN = {"Origin": "http://localhost"}


@pytest.fixture
def client(office: Office) -> FlaskClient:
    return create_app(office.archive).test_client()


def log_in(client: FlaskClient, login: str) -> None:
    response = client.post("/login", data={"login": login, "password": PASSWORD}, headers=ORIGIN)
    assert response.status_code == 303


def test_a_visitor_is_sent_to_the_log_in(client: FlaskClient) -> None:
    response = client.get("/")
    assert (response.status_code, response.headers["Location"]) == (303, "/login")
    assert "Kata sandi" in client.get("/login").get_data(as_text=True)
    assert "Password" in client.get("/login?lang=en").get_data(as_text=True)


def test_a_clerk_sees_who_holds_what_until_when(office: Office, client: FlaskClient) -> None:
    dossier = office.play("3")
    log_in(client, "maya")
    home = client.get("/").get_data(as_text=True)
    assert "Sari" in home and "Langkah 4" in home and "WIB" in home
    page = client.get(f"/dossiers/{dossier}").get_data(as_text=True)
    assert "0412/B1/TU/2026" in page and "tepat waktu" in page and "30 menit" in page


def test_a_wrong_password_is_a_plain_sentence(client: FlaskClient) -> None:
    response = client.post("/login", data={"login": "maya", "password": "salah"}, headers=ORIGIN)
    assert response.status_code == 401
    assert "Nama masuk atau kata sandi salah" in response.get_data(as_text=True)


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_a_form_from_another_site_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    response = client.post("/login", data={"login": "maya", "password": PASSWORD}, headers=headers)
    assert response.status_code == 403


def test_after_logging_out_the_cookie_is_worth_nothing(client: FlaskClient) -> None:
    log_in(client, "maya")
    cookie = client.get_cookie("archive_session")
    assert cookie is not None and cookie.http_only and cookie.same_site == "Strict"
    assert client.get("/").status_code == 200
    assert client.post("/logout", headers=ORIGIN).status_code == 303
    client.set_cookie("archive_session", cookie.value)
    assert client.get("/").status_code == 303


def test_an_unknown_dossier_is_a_page_with_a_sentence(client: FlaskClient) -> None:
    log_in(client, "maya")
    response = client.get(f"/dossiers/{'0' * 32}")
    assert response.status_code == 404 and "dossier_unknown" in response.get_data(as_text=True)


def test_pages_load_nothing_from_elsewhere_and_run_no_script(client: FlaskClient) -> None:
    response = client.get("/login")
    assert response.headers["Referrer-Policy"] == "same-origin", (
        "browsers send Origin: null with forms under no-referrer"
    )
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert re.findall(r"(?:src|href)=\"(https?:)?//", response.get_data(as_text=True)) == []


def test_the_compiled_catalogue_is_the_written_one_and_complete() -> None:
    with (CATALOGUE / "messages.po").open("rb") as file:
        written = read_po(file, locale="id")
    with (CATALOGUE / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    assert {m.id: m.string for m in written if m.id} == {m.id: m.string for m in compiled if m.id}
    assert [m.id for m in written if m.id and (not m.string or m.fuzzy)] == []


def test_every_text_of_the_pages_is_in_the_catalogue() -> None:
    from babel.messages.extract import extract_from_dir

    root = Path(__file__).parents[2] / "archive_service"
    methods = [("**.py", "python"), ("web/templates/**.html", "jinja2")]
    keywords = {"_": None, "gettext": None, "lazy_gettext": None}
    found = {message for _, _, message, _, _ in extract_from_dir(str(root), methods, keywords=keywords)}
    with (CATALOGUE / "messages.po").open("rb") as file:
        written = {m.id for m in read_po(file, locale="id") if m.id}
    assert found == written
