"""Quality over HTTP: sums, pages that follow each other, files."""

from __future__ import annotations

import hashlib

from archive_service.services import compliance
from tests.api.conftest import Client
from tests.office import Office


def test_a_checker_asks_by_step_and_goes_on_page_by_page(office: Office, call: Client) -> None:
    office.play("4")
    office.turn()
    office.play("3")
    office.at("2026-03-31T11:00")
    compliance.sweep_deadlines(office.archive)
    reader = call("nuraini")
    status, found = reader.get("/api/v1/quality/summary?by=year,quarter,step&year=2026")
    rows = {row["step"]: row for row in found["rows"]}  # type: ignore[attr-defined]
    assert status == 200 and rows["4"]["late"] == 1 and rows["4"]["overdue"] == 1 and rows["4"]["quarter"] == 1
    assert reader.get("/api/v1/quality/summary?by=")[1]["code"] == "group_unknown"
    seen, path = [], "/api/v1/quality/overdue?limit=1"
    while True:
        page = reader.ask("GET", path).get_json()
        seen += [(run["dossier"], run["step"]) for run in page["runs"]]
        if page["next"] is None:
            break
        path = f"/api/v1/quality/overdue?limit=1&after={page['next']}"
    assert sorted(step for _, step in seen) == ["4", "5"]
    first = reader.ask("GET", "/api/v1/quality/unexplained?limit=1").get_json()
    after = reader.ask("GET", f"/api/v1/quality/unexplained?after={first['next']}").get_json()
    assert first["deviations"][0]["deviation"] not in {d["deviation"] for d in after["deviations"]}
    runs = reader.ask("GET", "/api/v1/quality/runs?measure=late&step=4").get_json()
    assert [run["outcome"] for run in runs["runs"]] == ["submitted"]
    assert reader.get("/api/v1/quality/runs?measure=colour")[1]["code"] == "measure_unknown"


def test_an_export_comes_as_a_file_with_its_digest(office: Office, call: Client) -> None:
    office.play("2")
    reader = call("nuraini")
    for kind, media, magic in (("csv", "text/csv", b"\xef\xbb\xbf"), ("xlsx", "application/vnd", b"PK")):
        answer = reader.ask("GET", f"/api/v1/quality/export?format={kind}&by=work_unit,step")
        assert answer.status_code == 200 and str(answer.mimetype).startswith(media) and answer.data.startswith(magic)
        assert answer.get_etag()[0] == hashlib.sha256(answer.data).hexdigest()
        assert f"quality.{kind}" in answer.headers["Content-Disposition"]
    assert reader.get("/api/v1/quality/export?format=ods")[0] == 422
