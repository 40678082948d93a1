"""Every route × every role × own or another's: who gets what, with real requests. A route that the table does not name fails."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from archive_service.app import create_app
from archive_service.services import delegations, people, users
from tests.api.roles import ROUTES, Expected
from tests.office import PASSWORD, ROLES, SAMPLES, Office, open_office, wib
from tests.web.conftest import ORIGIN, Browser

LOGINS = {role: login for login, role in ROLES.items()} | {
    "contributor": "citra",
    "administrator": "admin",
    "nobody": "",
}
OWNERS = ("own", "other")
LETTER = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()
OTHER_PERSON = "sari"
"""Who owns what another owns, where a thing belongs to a person and not to a unit."""


@dataclass(frozen=True)
class Stage:
    """A folder with two units, a dossier at its third step in each, and what paths need to name."""

    folder: Path
    places: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def stage(office_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The own unit with everybody in it, and another unit with one clerk, whose dossier is nobody's here."""
    folder = tmp_path_factory.mktemp("stage") / "var"
    shutil.copytree(office_template, folder)
    office = open_office(folder, "2026-03-12T09:00")
    admin = office.actor("admin")
    unit = people.create_work_unit(office.archive, admin, code="lain", name="Unit Lain")
    for role in ("satker_head", "data_officer"):
        person = people.register_person(office.archive, admin, name=f"Orang Lain {role}")
        users.create_user(office.archive, admin, person=person, login=f"lain_{role}", password=PASSWORD)
        people.assign_role(office.archive, admin, person=person, role=role, work_unit=unit, from_on="2026-01-01")
    citra = people.register_person(office.archive, admin, name="Citra")
    users.create_user(office.archive, admin, person=citra, login="citra", password=PASSWORD)
    people.assign_role(
        office.archive, admin, person=citra, role="contributor", work_unit=office.unit, from_on="2026-01-01"
    )
    own = office.play("2")
    office.at("2026-03-13T09:10")
    home, office.unit = office.unit, unit
    other = office.open("lain_data_officer")
    office.at("2026-03-13T09:30")
    office.submit(other, "lain_satker_head", "1")
    office.unit = home
    office.at("2026-03-30T10:00")
    office.turn()
    office.turn()
    places = {owner: places_of(office, dossier) for owner, dossier in (("own", own), ("other", other))}
    places["other"]["work_unit"] = unit
    delegated = {"own": ("hendra", "agus"), "other": ("lain_data_officer", "lain_satker_head")}
    for owner, (absent, substitute) in delegated.items():
        who = office.actor(absent)
        places[owner]["delegation"] = delegations.propose_delegation(
            office.archive,
            who,
            substitute=office.actor(substitute).person,
            assignment=who.assignments[0].id,
            mode="plh",
            from_on="2026-06-01",
            to_on="2026-06-05",
            letter="ST-12/PL/2026",
            letter_on="2026-03-27",
        )
    office.archive.db.close()
    return Stage(folder, places)


def places_of(office: Office, dossier: str) -> dict[str, str]:
    reader = create_app(office.archive).test_client()
    secret = users.create_token(office.archive, office.actor("wahyu"), name="places", days=60).secret

    def first(path: str, name: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {secret}"}
        return dict(reader.get(f"/api/v1/dossiers/{dossier}/{path}", headers=headers).get_json()[name][0])

    return {
        "dossier": dossier,
        "version": str(first("documents", "documents")["version"]),
        "document": str(first("documents", "documents")["document"]),
        "form": "follow_up",
        "deviation": str(first("deviations", "deviations")["deviation"]),
        "job": str(first("jobs", "jobs")["job"]),
        "step": "3",
        "kind": "csv",
        "recommendation": "0" * 64,
        "seq": "0",
        "number": "1",
        "obligation": dossier,
        "finding": dossier,
        "sample": dossier,
        "pause": dossier,
        "work_unit": office.unit,
    }


BODIES: dict[str, Any] = {
    "POST /api/v1/obligations": {"year": 2026, "quarter": 2, "due_on": "2026-07-31"},
    "POST /api/v1/obligations/<id:obligation>/withdrawal": {"reason": "Digabung."},
    "POST /api/v1/work-units/<id:work_unit>/deviations/<id:deviation>/explanations": {"explanation": "Libur."},
    "POST /api/v1/work-units/<id:work_unit>/deviations/<id:deviation>/explanations/<seq:number>/answer": {
        "is_accepted": True
    },
    "POST /api/v1/findings/<id:finding>/classification": {"classification": "rejected", "problem": "Bukan."},
    "POST /api/v1/findings/<id:finding>/cause": {"cause": "Data."},
    "POST /api/v1/findings/<id:finding>/done": {"note": "Sudah."},
    "POST /api/v1/findings/<id:finding>/effect": {"note": "Tepat.", "is_effective": True},
    "POST /api/v1/dossiers/<id:dossier>/cancellation": {"reason": "Ganda."},
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/submission": {},
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/archiving": {},
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/decision": {"decision": "approve", "versions": []},
    "POST /api/v1/dossiers/<id:dossier>/documents/<id:version>/withdrawal": {"reason": "Keliru."},
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/forms/<key:form>": {"fields": {}},
    "PUT /api/v1/dossiers/<id:dossier>/documents/<id:document>/paper": {"exists": False},
    "POST /api/v1/dossiers/<id:dossier>/indicators": {"indicators": [{"code": "IKU-1", "title": "T", "target": "1"}]},
    "POST /api/v1/dossiers/<id:dossier>/indicators/removal": {"code": "IKU-1", "reason": "Ganda."},
    "POST /api/v1/dossiers/<id:dossier>/recommendations/<digest:recommendation>/answer": {"state": "done", "note": "N"},
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/results": {"results": [{"achievement": "1"}]},
    "POST /api/v1/dossiers/<id:dossier>/deviations/<id:deviation>/explanations": {"explanation": "Libur."},
    "POST /api/v1/dossiers/<id:dossier>/deviations/<id:deviation>/explanations/<seq:number>/answer": {
        "is_accepted": True
    },
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/pauses": {"cause": "other", "reason": "Banjir."},
    "POST /api/v1/dossiers/<id:dossier>/pauses/<id:pause>/end": {},
    "POST /api/v1/dossiers/<id:dossier>/verdicts/again": {"reason": "SKB dikoreksi."},
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/decision/preparation": {"decision": "approve", "versions": []},
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/decision/signature": {
        "preparation": "0" * 32,
        "credential": {},
    },
    "POST /api/v1/passkeys": {"preparation": "0" * 32, "name": "Laptop", "credential": {}},
    "POST /api/v1/samples": {"size": 1},
    "POST /api/v1/samples/<id:sample>/results": {"dossier": "0" * 32, "result": "fine"},
    "POST /api/v1/passkeys/preparations": {"password": PASSWORD},
    "POST /api/v1/passkeys/<digest:passkey>/revocation": {"password": PASSWORD},
    "PUT /api/v1/users/<id:user>/password": {"password": PASSWORD},
    "PUT /api/v1/users/<id:user>/validity": {"from_on": "2026-01-01", "until_on": "2026-12-31"},
    "POST /api/v1/users/<id:user>/accounts": {"subject": "orang-1"},
    "POST /api/v1/calendars/<key:calendar>/edits": {"changes": [], "reason": "Uji.", "based_on": "0" * 64},
    "POST /api/v1/people": {"name": "Baru"},
    "POST /api/v1/log/audits": {"with_objects": False},
    "POST /api/v1/webhooks": {"url": "https://hooks.example/"},
    "PUT /api/v1/users/<id:user>/mail": {"mail": "baru@example.ac.id"},
}
PAGE_FORMS: dict[str, dict[str, str]] = {
    "decision": {"decision": "approve"},
    "withdrawal": {"reason": "Keliru."},
    "explanation": {"explanation": "Libur."},
    "answer": {"number": "1", "answer": "accept"},
    "pause": {"cause": "other", "reason": "Banjir."},
    "again": {"reason": "SKB dikoreksi."},
    "exception": {"reason": "Tim lain sakit."},
}
QUERIES = {
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/documents": "?kind=request_letter&name=surat.pdf",
    "POST /api/v1/dossiers/<id:dossier>/deviations/<id:deviation>/attachments": "?name=surat.pdf",
    "POST /api/v1/definitions": "",
    "GET /api/v1/calendars/<key:calendar>/days": "?from=2026-03-01&to=2026-03-31",
    "GET /api/v1/calendars/<key:calendar>/used": "?from=2026-03-13T10:00&to=2026-03-25T10:00",
    "GET /api/v1/calendars/<key:calendar>/due": "?from=2026-03-13T10:00&limit=1d",
    "GET /api/v1/quality/runs": "?measure=late",
    "GET /api/v1/search": "?q=surat",
    "GET /api/v1/search/hits": "?q=surat&kind=document",
    "GET /api/v1/log/consistency": "?old=1",
    "GET /api/v1/quality/export": "?format=csv",
    "GET /admin/sop/beda": "?kunci=sop-spmi-601&dari=1&ke=1",
}


def body_of(route: str, place: dict[str, str], login: str) -> dict[str, Any]:
    """A sound body, so that what is refused is refused for who asks."""
    if route == "POST /login":
        return {"data": {"login": login, "password": PASSWORD}}
    if not route.partition(" ")[2].startswith("/api/"):
        known = {name: place[name] for name in ("work_unit", "assignment")}
        if route == "POST /attestations":
            return {"data": known | {"sop": "sop-spmi-601"}}
        return {"data": PAGE_FORMS.get(route.rpartition("/")[2], {}) | known}
    if route.endswith(("/documents", "/attachments")) or route == "POST /api/v1/definitions":
        return {"data": b"x = 1" if route.endswith("/definitions") else LETTER}
    if route.endswith("/import"):
        return {"data": b"Kode;Indikator;Target\nIKU-1;T;1\n", "content_type": "text/csv"}
    if route == "PUT /api/v1/own-password":
        return {"json": {"login": login, "password": "bukan " + PASSWORD, "new_password": PASSWORD}}
    if route == "POST /api/v1/tokens":
        return {"json": {"login": login, "password": PASSWORD, "name": "x"}}
    if route == "POST /api/v1/work-units":
        return {"json": {"code": f"baru-{place['dossier'][-4:]}", "name": "Baru"}}
    if route == "POST /api/v1/delegations":
        facts = {
            "mode": "plh",
            "from_on": "2026-05-01",
            "to_on": "2026-05-02",
            "letter": "1",
            "letter_on": "2026-03-01",
        }
        return {"json": {**facts, "assignment": place["assignment"], "substitute": place["colleague"]}}
    if route == "POST /api/v1/attestations":
        return {"json": {"assignment": place["assignment"], "sop": "sop-spmi-601"}}
    if route == "POST /api/v1/users":
        return {"json": {"person": place["person"], "login": f"baru-{place['dossier'][-4:]}", "password": PASSWORD}}
    if route == "POST /api/v1/findings":
        return {"json": {"work_unit": place["work_unit"], "deviations": [place["deviation"]], "text": "Terlambat."}}
    if route.endswith("/<id:finding>/action"):
        return {"json": {"action": "Latih.", "pic": place["person"], "due_on": "2026-05-01"}}
    if route.endswith(("/responsible", "/exceptions")):
        return {"json": {"person": place["person"], "reason": "Cuti."}}
    if route.endswith("/assignments") and route.startswith("POST"):
        body = {"role": "auditor", "work_unit": place["work_unit"], "from_on": "2026-05-01", "to_on": "2026-05-02"}
        return {"json": body}
    if route == "POST /api/v1/dossiers":
        letter = {"number": "1", "sender": "S", "agenda_number": "2", "dated_on": "2026-03-12"}
        letter["received_at"] = "2026-03-13T09:00:00+07:00"
        return {
            "json": {
                "work_unit": place["work_unit"],
                "year": 2026,
                "quarter": 1,
                "title": "T",
                "letter": letter,
            }
        }
    return {"json": BODIES[route]} if route in BODIES else {}


@pytest.fixture
def office(stage: Stage, tmp_path: Path) -> Iterator[Office]:
    """The stage, for one role to act on."""
    shutil.copytree(stage.folder, tmp_path / "stage")
    made = open_office(tmp_path / "stage")
    made.clock.moment = wib("2026-03-30T10:00")
    made.archive.settings.token_tries_per_minute = 0
    yield made
    made.archive.db.close()


def list_routes(client: FlaskClient) -> list[str]:
    """Every method and rule, reads first and deletions last, so that little of what one act changes meets the next."""
    order = {"GET": 0, "POST": 1, "PUT": 2, "DELETE": 3}
    found = {
        f"{method} {rule.rule}"
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    return sorted(
        found, key=lambda route: (order[route.partition(" ")[0]], route in ("POST /login", "POST /logout"), route)
    )


def sent_by(browser: Browser, method: str) -> dict[str, str]:
    """What a browser sends along with a form of ours."""
    if method == "GET":
        return {}
    form = "/password" if browser.get("/password").status_code == 200 else "/login"
    return {"Origin": ORIGIN, "X-CSRF-Token": browser.token(form)}


def ask_all(office: Office, role: str, stage: Stage) -> dict[str, Expected]:
    """What this role gets for its own and for another's, route by route."""
    app = create_app(office.archive)
    login = LOGINS[role]
    api, browser = app.test_client(), Browser(app, office)
    if login:
        browser.settle(login)
    pages = browser.client
    secrets = {
        who: users.create_token(office.archive, office.actor(who), name="roles", days=60)
        for who in {login or OTHER_PERSON, OTHER_PERSON}
    }
    spare = {who: users.create_token(office.archive, office.actor(who), name="spare", days=60) for who in secrets}
    headers = {"Authorization": f"Bearer {secrets[login].secret}"} if login else {}
    listed = api.get("/api/v1/definitions", headers=headers).get_json()
    digest = next(d["digest"] for d in listed["definitions"] if d["kind"] == "sop") if login else "0" * 64
    answers: dict[str, Expected] = {}
    for route in list_routes(api):
        statuses = []
        for owner in OWNERS:
            whose = login if owner == "own" and login else OTHER_PERSON
            actor = office.actor(whose)
            place = stage.places[owner] | {
                "person": actor.person,
                "user": actor.user,
                "token": spare[whose].id,
                "assignment": next((a.id for a in actor.assignments), "0" * 32),
                "colleague": office.actor("bima" if whose == "maya" else "maya").person,
                "digest": digest,
                "passkey": "0" * 64,
                "notice": "0" * 32,
                "session": "0" * 32,
                "identity": "0" * 64,
                "secret": "0" * 43,
                "webhook": "0" * 32,
                "calendar": "id-government",
                "name": "none.css",
                "tile": "entries/000.p/1",
                "size": f"{1:020}",
            }
            method, _, rule = route.partition(" ")
            path = rule
            for name, value in place.items():
                path = re.sub(f"<(?:[a-z]+:)?{name}>", value, path)
            client = api if rule.startswith(("/api/", "/log/")) else pages
            response = client.open(
                path + QUERIES.get(route, ""),
                method=method,
                headers=headers if client is api else sent_by(browser, method),
                **body_of(route, place, login),
            )
            statuses.append(response.status_code)
            response.close()
        answers[route] = Expected(*statuses)
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("role", LOGINS)
def test_each_role_gets_what_the_table_says(office: Office, stage: Stage, role: str) -> None:
    answers = ask_all(office, role, stage)
    unlisted = sorted(set(answers) - set(ROUTES))
    assert unlisted == [], "say in tests/api/roles.py who may do this"
    wrong = {r: (a, ROUTES[r].of(role)) for r, a in answers.items() if a != ROUTES[r].of(role)}
    assert wrong == {}


def test_the_table_names_no_route_that_is_gone(office: Office) -> None:
    assert set(ROUTES) == set(list_routes(create_app(office.archive).test_client()))
