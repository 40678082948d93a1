"""Calendars over the API: read by everybody, edited by who may, on the version that one looked at."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Client

PATH = "/api/v1/calendars/id-government"
CLOSED = {
    "action": "set",
    "table": "closed_days",
    "on": "2026-03-16",
    "title": "Dies natalis",
    "kind": "institution",
    "decree": "SK 12/2026",
    "status": "decreed",
}
LETTER = "from=2026-03-13T10:00&to=2026-03-25T10:00"


def test_a_calendar_is_edited_and_counted_with(call: Client) -> None:
    checker, clerk = call("nuraini"), call("maya")
    _, listed = clerk.get("/api/v1/calendars")
    before: Any = listed["calendars"][0]  # type: ignore[index]
    body: dict[str, Any] = {"changes": [CLOSED], "reason": "Surat edaran.", "based_on": before["digest"]}
    assert clerk.send("POST", f"{PATH}/edits", json=body)[0] == 403
    made = checker.ask("POST", f"{PATH}/edits", json=body)
    assert (made.status_code, made.get_json()["version"]) == (201, 2)
    assert clerk.get(made.headers["Location"])[0] == 200
    assert clerk.get(f"{PATH}/used?{LETTER}")[1]["seconds"] == 72_000 - 390 * 60
    assert clerk.get(f"{PATH}/used?{LETTER}&version=1")[1]["seconds"] == 72_000
    assert clerk.get(f"{PATH}/due?from=2026-03-13T10:00&limit=1200m&version=1")[1]["due_at"] == (
        "2026-03-25T10:00:00+07:00"
    )
    _, read = clerk.get(PATH)
    assert (read["version"], read["digest"]) == (2, made.get_json()["digest"])
    _, versions = clerk.get(f"{PATH}/versions")
    assert [v["reason"] for v in versions["versions"]] == ["Surat edaran.", None]  # type: ignore[attr-defined]
    _, days = clerk.get(f"{PATH}/days?from=2026-03-16&to=2026-03-16")
    assert days["days"][0]["rule"]["title"] == "Dies natalis"  # type: ignore[index]


def test_refusals_have_their_codes_and_places(call: Client) -> None:
    checker = call("nuraini")
    digest = checker.get(PATH)[1]["digest"]
    body: dict[str, Any] = {"changes": [CLOSED], "reason": "Uji.", "based_on": digest}

    def refused(**changes: Any) -> tuple[int, object]:
        status, answer = checker.send("POST", f"{PATH}/edits", json={**body, **changes})
        return status, answer["code"]

    assert refused(based_on="0" * 64) == (409, "calendar_changed")
    assert refused(changes=[]) == (422, "nothing_changed")
    assert refused(changes=[{**CLOSED, "decree": None}]) == (422, "decree_missing")
    assert refused(changes=[{**CLOSED, "on": "2029-01-01"}]) == (422, "outside_calendar")
    assert refused(changes=[CLOSED, CLOSED]) == (422, "date_twice")
    assert refused(changes=[{**CLOSED, "table": "profiles"}]) == (422, "body_invalid")
    unit_day = {k: v for k, v in CLOSED.items() if k != "kind"} | {"table": "unit_days", "unit": "0" * 32}
    assert refused(changes=[{**unit_day, "sessions": []}]) == (404, "work_unit_unknown")
    assert refused(changes=[{**unit_day, "sessions": [["9", "10"]]}]) == (422, "invalid_definition")
    period = {**CLOSED, "table": "special_periods", "from": "2026-07-01", "to": "2026-07-02", "profile": "x"}
    del period["on"], period["kind"]
    assert refused(changes=[period]) == (422, "invalid_definition")
    for query, code in [
        (f"used?{LETTER}&unit=mars", "work_unit_unknown"),
        ("used?from=now&to=now", "time_expected"),
        ("due?from=2026-03-13T10:00&limit=week", "limit_expected"),
        ("days?from=2026-01-01&to=2027-06-01", "interval_too_long"),
        ("days?from=2026-02-30&to=2027-06-01", "date_expected"),
    ]:
        assert checker.get(f"{PATH}/{query}")[1]["code"] == code
    assert checker.get("/api/v1/calendars/mars")[1]["code"] == "definition_unknown"
    assert checker.get("/api/v1/calendars/mars/versions")[0] == 404
