"""Lists come in pages that neither repeat nor skip, however the list grows meanwhile."""

from __future__ import annotations

import base64
import json

import pytest

from archive_service.services import people
from tests.api.conftest import Caller, Client
from tests.office import Office


def walk(caller: Caller, path: str, name: str, limit: int) -> list[object]:
    """Every row, page by page, along the Link header."""
    rows: list[object] = []
    sign = "&" if "?" in path else "?"
    address: str | None = f"{path}{sign}limit={limit}"
    while address is not None:
        response = caller.ask("GET", address, headers={"Accept": "application/json"})
        assert response.status_code == 200, response.get_data(as_text=True)
        page = response.get_json()
        assert len(page[name]) <= limit
        rows += page[name]
        link = response.headers.get("Link")
        assert (link is None) == (page["next"] is None)
        address = None if link is None else link.removeprefix("<").removesuffix('>; rel="next"')
    return rows


def test_pages_add_up_to_the_whole_list(office: Office, call: Client) -> None:
    dossier = office.play("7")
    for _ in range(3):
        office.open(received_at="2026-03-26T09:00")
    office.turn()
    admin, reader = call("admin"), call("nuraini")
    for _ in range(3):
        call("nuraini")
    base = f"/api/v1/dossiers/{dossier}"
    lists = [
        (reader, "/api/v1/dossiers", "dossiers", 4),
        (reader, "/api/v1/dossiers?status=open&year=2026", "dossiers", 4),
        (reader, "/api/v1/deviations", "deviations", 1),
        (reader, f"{base}/steps", "steps", 11),
        (reader, f"{base}/documents", "documents", 7),
        (reader, f"{base}/decisions", "decisions", 1),
        (reader, f"{base}/verdicts", "verdicts", 7),
        (reader, f"{base}/deviations", "deviations", 1),
        (reader, f"{base}/events", "events", 20),
        (reader, f"{base}/jobs", "jobs", 10),
        (reader, "/api/v1/tokens", "tokens", 4),
        (reader, "/api/v1/definitions", "definitions", 2),
        (reader, "/api/v1/work-units", "work_units", 1),
        (admin, "/api/v1/people", "people", 9),
        (admin, "/api/v1/users", "users", 9),
        (admin, "/api/v1/assignments", "assignments", 9),
    ]
    for caller, path, name, least in lists:
        whole = walk(caller, path, name, 200)
        assert len(whole) >= least, (path, len(whole))
        for limit in (1, 3):
            assert walk(caller, path, name, limit) == whole, (path, limit)


def test_a_row_that_comes_meanwhile_shifts_nothing(office: Office, call: Client) -> None:
    office.at("2026-03-13T09:10")
    opened = [office.open() for _ in range(4)]
    reader = call("nuraini")
    first = reader.get("/api/v1/dossiers?limit=2")[1]
    office.open()
    second = reader.get(f"/api/v1/dossiers?limit=2&after={first['next']}")[1]
    seen = [d["dossier"] for page in (first, second) for d in page["dossiers"]]  # type: ignore[attr-defined]
    assert seen == list(reversed(opened))


def test_filters_narrow_dossiers_and_deviations(office: Office, call: Client) -> None:
    office.play("4")
    office.turn()
    reader = call("nuraini")
    for query, count in (
        ("year=2025", 0),
        ("year=2026&quarter=1", 1),
        ("status=sealed", 0),
        (f"work_unit={'0' * 32}", 0),
    ):
        assert len(reader.get(f"/api/v1/dossiers?{query}")[1]["dossiers"]) == count, query  # type: ignore[arg-type]
    responsible = office.persons["sari"]
    for query, count in (
        ("explained=false", 1),
        ("explained=true", 0),
        ("code=time_norm_passed&step=4", 1),
        ("code=other", 0),
        (f"responsible={responsible}", 1),
        ("quarter=2", 0),
    ):
        found = reader.get(f"/api/v1/deviations?{query}")[1]["deviations"]
        assert len(found) == count, (query, found)  # type: ignore[arg-type]


def test_an_explained_deviation_shows_its_explanation(office: Office, call: Client) -> None:
    dossier = office.play("4")
    office.turn()
    sari = call("sari")
    listed = sari.get(f"/api/v1/dossiers/{dossier}/deviations")[1]["deviations"][0]  # type: ignore[index]
    path = f"/api/v1/dossiers/{dossier}/deviations/{listed['deviation']}"
    assert sari.send("POST", f"{path}/explanations", json={"explanation": "Libur Nyepi."})[0] == 201
    found = sari.get(path)[1]
    assert (found["explanation"], found["explained_by"]) == ("Libur Nyepi.", office.persons["sari"])
    assert sari.get(f"/api/v1/dossiers/{dossier}/deviations/{'0' * 32}")[0] == 404


def test_assignments_are_found_by_person_unit_and_role(office: Office, call: Client) -> None:
    admin = call("admin")
    unit = people.create_work_unit(office.archive, office.actor("admin"), code="lain", name="Unit Lain")
    for query, count in ((f"person={office.persons['maya']}", 1), (f"work_unit={unit}", 0), ("role=sakip_team", 2)):
        assert len(admin.get(f"/api/v1/assignments?{query}")[1]["assignments"]) == count, query  # type: ignore[arg-type]
    assert admin.get(f"/api/v1/work-units/{unit}")[1]["name"] == "Unit Lain"


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "%00",
        cursor(),
        cursor("people", "0" * 32),
        cursor("dossiers", "2026-03-13T09:10:00+00:00"),
        cursor("dossiers", "2026-03-13T09:10:00", "0" * 32),
        cursor("dossiers", 5, "0" * 32),
        cursor("dossiers", "2026-03-13T09:10:00+00:00", "\0" * 32),
        cursor("dossiers", "2026-03-13T09:10:00+00:00", {"a": 1}),
        "W10" * 150,
    ],
)
def test_a_cursor_that_this_list_did_not_give_is_refused(office: Office, call: Client, after: str) -> None:
    status, problem = call("nuraini").get(f"/api/v1/dossiers?after={after}")
    assert status == 422 and problem["code"] in ("cursor_invalid", "query_invalid")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1e2", " 5", "5_0", "x", ""])
def test_a_limit_is_a_number_from_1_to_200(office: Office, call: Client, limit: str) -> None:
    status, problem = call("nuraini").get(f"/api/v1/dossiers?limit={limit}")
    assert (status, problem["code"], problem["errors"][0]["place"]) == (422, "query_invalid", "limit")  # type: ignore[index]
