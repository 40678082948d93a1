"""``archive-service calendar``: counting offline for a newcomer, with an archive's own calendar, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from archive_service.cli import calendars as commands
from archive_service.cli.__main__ import main
from archive_service.domain.calendars import Change
from archive_service.services import calendars
from tests.office import Office

SEED = Path(calendars.__file__).parents[1] / "data" / "calendars" / "id-government.toml"
LETTER = ("2026-03-13T10:00", "2026-03-25T10:00")
CLOSED = {"title": "Dies natalis", "kind": "institution", "decree": "SK 12/2026", "status": "decreed"}


@pytest.fixture
def database_kind() -> str:
    """The commands do not know the databases apart."""
    return "sqlite"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without an archive, and settings that name none."""
    monkeypatch.chdir(tmp_path)
    for name in ("ARCHIVE_DATA_DIR", "ARCHIVE_DATABASE"):
        monkeypatch.delenv(name, raising=False)


def ask(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["calendar", *arguments], env=environment)


def read(*arguments: str, **environment: str) -> Any:
    done = ask(*arguments, "--json", **environment)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_a_newcomer_counts_without_an_archive(tmp_path: Path) -> None:
    found = read("used", *LETTER)
    assert (found["seconds"], found["calendar"], found["version"]) == (72_000, "id-government", 1)
    assert found["by_day"] == {
        "2026-03-13": 270 * 60,
        "2026-03-16": 390 * 60,
        "2026-03-17": 390 * 60,
        "2026-03-25": 150 * 60,
    }
    assert found["source"] == "shipped with the program"
    assert list(tmp_path.iterdir()) == []


def test_every_day_is_named_with_its_reason() -> None:
    found = {day["on"]: (day["seconds"], day["reason"]) for day in read("used", *LETTER)["days"]}
    assert len(found) == 13
    assert (found["2026-03-14"], found["2026-03-19"], found["2026-03-25"]) == (
        (0, "weekend"),
        (0, "closed_day"),
        (9000, None),
    )
    assert read("used", "2026-07-13T16:00", "2026-07-13T18:00")["days"][0]["reason"] == "outside_hours"
    shown = ask("used", *LETTER).stdout
    assert "2026-03-14  Sat  –           –                        weekend" in shown
    assert "Hari Suci Nyepi (Tahun Baru Saka 1948) (SKB 1497/2025, 2/2025, 5/2025)" in shown
    assert shown.endswith("Working time: 20 h 00 min (1200 minutes)\n")
    evening = ask("used", "2026-07-13T15:59:30", "2026-07-14T06:00").stdout
    assert "0 min 30 s" in evening and "outside the hours; Jam kerja biasa" in evening
    assert ", estimated)" in ask("used", "2027-01-01T08:00", "2027-01-01T09:00").stdout


def test_a_limit_is_due_the_other_way_round() -> None:
    found = read("due", LETTER[0], "1200m")
    assert (found["due_at"], found["limit_seconds"], found["seconds"]) == ("2026-03-25T10:00:00+07:00", 72_000, 72_000)
    due = {
        policy: read("due", LETTER[0], "1d", "--policy", policy)["due_at"]
        for policy in ("working_minutes", "own_day_minutes", "end_of_next_working_day")
    }
    assert due == {
        "working_minutes": "2026-03-16T11:00:00+07:00",
        "own_day_minutes": "2026-03-16T10:00:00+07:00",
        "end_of_next_working_day": "2026-03-16T15:00:00+07:00",
    }
    assert read("due", LETTER[0], "1d", "--day-minutes", "270")["due_at"] == "2026-03-13T15:30:00+07:00"
    assert read("due", LETTER[0], "0m")["due_at"] == "2026-03-13T10:00:00+07:00"
    shown = ask("due", LETTER[0], "2h").stdout
    assert "Limit: 2 h 00 min (120 minutes)\nDue:   2026-03-13T13:00:00+07:00\n" in shown


def test_a_time_may_name_its_zone() -> None:
    assert read("used", "2026-03-13T03:00Z", "2026-03-25T12:00+09:00")["seconds"] == 72_000
    assert read("used", "2026-03-12T22:00-05:00", "2026-03-25 10:00:00.5")["seconds"] == 72_000


def test_a_file_of_ones_own_is_counted_with(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    unit = "0" * 32
    day = (
        f'unit_days = [{{ unit = "{unit}", on = 2026-03-14, title = "Piket", decree = "ST 1", status = "decreed",'
        ' sessions = [["08:00", "09:00"]] }]\n'
    )
    text = SEED.read_text(encoding="utf-8").replace("closed_days = [", day + "closed_days = [", 1)
    own.write_text(text, encoding="utf-8")
    assert read("used", *LETTER, "--calendar", str(own))["seconds"] == 72_000
    found = read("used", *LETTER, "--calendar", "own.toml", "--unit", unit)
    assert (found["seconds"], found["work_unit"]) == (75_600, unit)
    assert f", work unit {unit}" in ask("used", *LETTER, "--calendar", "own.toml", "--unit", unit).stdout


def test_an_archives_newest_calendar_is_counted_with(office: Office) -> None:
    actor = office.actor("admin")
    first = calendars.read_calendar(office.archive, actor, key="id-government")["digest"]
    own = {"unit": office.unit, "on": "2026-03-14", "title": "Piket", "decree": "ST 1", "status": "decreed"}
    calendars.edit_calendar(
        office.archive,
        actor,
        key="id-government",
        changes=[
            Change("set", "closed_days", {**CLOSED, "on": "2026-03-16"}),
            Change("set", "unit_days", {**own, "sessions": [["08:00", "10:00"]]}),
        ],
        reason="Uji.",
        based_on=first,
    )
    folder = str(office.archive.settings.data_dir)
    found = read("used", *LETTER, "--data", folder)
    assert (found["seconds"], found["version"], found["source"]) == (72_000 - 390 * 60, 2, "archive")
    assert read("used", *LETTER, "--data", folder, "--version", "1")["seconds"] == 72_000
    for unit in (office.unit, "polman-babel"):
        assert read("used", *LETTER, ARCHIVE_DATA_DIR=folder) == found
        assert read("used", *LETTER, "--unit", unit, "--data", folder)["seconds"] == 72_000 - 270 * 60
    due = read("due", "2026-03-13T15:30", "1m", "--data", folder)
    assert due["due_at"] == "2026-03-17T08:01:00+07:00"
    gone = ask("used", *LETTER, "--data", folder, "--version", "7")
    assert (gone.exit_code, "No version 7" in gone.stderr) == (2, True)
    assert ask("used", *LETTER, "--data", folder, "--unit", "x").exit_code == 2


def test_an_empty_database_file_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "archive.db").touch()
    assert read("used", *LETTER, "--data", str(tmp_path))["source"] == "shipped with the program"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("used", "13 March", LETTER[1]), "time_expected"),
        (("used", "2026-02-30T10:00", LETTER[1]), "time_expected"),
        (("used", "2026-03-13", LETTER[1]), "time_expected"),
        (("used", "2026-03-13T10:00+07:60", LETTER[1]), "time_expected"),
        (("used", "2026-03-13T10:00+25:00", LETTER[1]), "time_expected"),
        (("used", LETTER[1], LETTER[0]), "interval_reversed"),
        (("used", "2021-12-31T10:00", LETTER[1]), "outside_calendar"),
        (("due", LETTER[0], "1 hari"), "limit_expected"),
        (("due", LETTER[0], "1w"), "limit_expected"),
        (("due", LETTER[0], "9999d"), "outside_calendar"),
        (("used", *LETTER, "--calendar", "mars"), "definition_unknown"),
        (("used", *LETTER, "--version", "2"), "definition_unknown"),
        (("used", *LETTER, "--calendar", "none.toml"), "file_not_found"),
        (("used", *LETTER, "--calendar", str(SEED), "--version", "1"), "version_unfit"),
        (("used", *LETTER, "--calendar", str(SEED.parents[1] / "sops" / "sop-spmi-601.toml")), "not_a_calendar"),
        (("used", *LETTER, "--unit", "polman-babel"), "unit_expected"),
        (("used", *LETTER, "--data", "nowhere"), "archive_missing"),
        (("show", "--month", "March"), "month_expected"),
        (("show", "--month", "2026-13"), "month_expected"),
        (("show", "--calendar", "Ma/rs", "--month", "2026-01"), "key_expected"),
        (
            ("set-day", "2026-07-13", "--title", "x", "--decree", "y", "--reason", "z", "--hours", "1-2"),
            "unit_expected",
        ),
        (
            ("set-day", "2026-07-13", "--title", "x", "--decree", "y", "--reason", "z", "--unit=u", "--kind=national"),
            "kind_unfit",
        ),
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_exit_code_2(arguments: tuple[str, ...], code: str) -> None:
    done = ask(*arguments)
    assert done.exit_code == 2
    assert f"[{code}]" in done.stderr
    assert done.stderr.count("\n") == 1


class InProcess:
    """A service that the client commands talk to, without a socket."""

    def __init__(self, office: Office, login: str) -> None:
        from archive_service.app import create_app
        from archive_service.services import users

        self.client = create_app(office.archive).test_client()
        secret = users.create_token(office.archive, office.actor(login), name="cli", days=60).secret
        self.headers = {"Authorization": f"Bearer {secret}"}

    def call(self, method: str, path: str, params: Any = None, json: Any = None) -> Any:
        answer = self.client.open(path, method=method, query_string=params, json=json, headers=self.headers)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json()

    def change(self, path: str, body: Any) -> Any:
        return self.call("POST", path, json=body)


def test_a_day_is_set_shown_and_removed_at_a_service(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from archive_service.cli import connection

    monkeypatch.setattr(connection, "connect", lambda: InProcess(office, "nuraini"))
    why = ("--decree", "SK 12/2026", "--reason", "Surat edaran.")
    unit = ("--unit", office.unit)
    made = ask("set-day", "2026-07-13", "--title", "Dies natalis", "--kind", "institution", *why)
    assert made.exit_code == 0 and made.stdout.startswith("id-government version 2  sha256 "), made.output
    steps = [
        ("set-day", "2026-07-14", "--title", "Piket", *unit, "--hours", "08:00-10:00", *why),
        ("set-period", "2026-07-20", "2026-07-21", "--profile", "ramadan", "--title", "Pendek", *why),
        ("set-period", "2026-07-22", "2026-07-22", "--profile", "ramadan", "--title", "Pendek", *unit, *why),
        ("remove-period", "2026-07-20", "--reason", "Batal."),
        ("remove-period", "2026-07-22", *unit, "--reason", "Batal."),
        ("remove-day", "2026-07-14", *unit, "--reason", "Batal."),
        ("remove-day", "2026-07-13", "--title", "Dies natalis", "--reason", "Batal."),
    ]
    for version, step in enumerate(steps, 3):
        done = ask(*step)
        assert f"version {version} " in done.stdout, done.output
        if version == 3:
            shown = ask("show", "--month", "2026-07", *unit).stdout
            assert "2026-07-13  Mon  –                        Dies natalis (SK 12/2026)" in shown
            assert "2026-07-14  Tue  08:00–10:00              Piket (SK 12/2026)" in shown
    assert len(read("show", "--month", "2026-02")["days"]) == 28
    assert ask("show").exit_code == 0
    told = ask("versions").stdout
    assert "reason: Surat edaran." in told and "added: closed_days 2026-07-13: Dies natalis (SK 12/2026)" in told
    assert f"removed: unit_shifts 2026-07-22 to 2026-07-22: Pendek (SK 12/2026), unit {office.unit}" in told
    assert [v["version"] for v in read("versions")] == list(range(9, 0, -1))
    assert "id-government  9 " in ask("list").stdout
    assert json.loads(ask("definition", "--version", "1").stdout)["version"] == 1
    assert json.loads(ask("definition").stdout)["version"] == 9


def test_a_changed_field_of_a_calendar_is_told_by_its_name() -> None:
    change = {"what": "changed", "table": None, "before": {"covers_to": "2027"}, "after": {"covers_to": "2028"}}
    assert commands._change_text(change) == "covers_to 2028"
