"""Random samples: drawn from a frozen list with a recorded seed, by an algorithm that anybody can repeat."""

from __future__ import annotations

import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from archive_service.db.event_log import read_events
from archive_service.db.models import SampleRow
from archive_service.db.paging import PageRequest
from archive_service.domain import sample as drawing
from archive_service.errors import Conflict, Forbidden, InvalidInput, NotFound
from archive_service.services import audit, people, reading, samples, users
from archive_service.services.samples import PopulationFilter
from tests.office import PASSWORD, Office

EVERYTHING = PopulationFilter()
DOCS = Path(__file__).parents[2] / "docs" / "auditing.md"


def open_several(office: Office, count: int) -> list[str]:
    office.at("2026-03-13T09:10")
    return [office.open() for _ in range(count)]


def draw(office: Office, size: int = 2, seed: str | None = "dadu-4-1-6", **wanted: Any) -> str:
    return samples.draw_sample(
        office.archive, office.actor("wahyu"), wanted=PopulationFilter(**wanted), size=size, seed=seed
    )


def test_a_sample_follows_from_its_seed_and_list_and_is_recorded_with_both(office: Office) -> None:
    opened = open_several(office, 5)
    sample = draw(office, 2, status="open", periods=("2026-1",), work_units=(office.unit,), step="1")
    found = samples.read_sample(office.archive, office.actor("wahyu"), sample=sample)
    listed = samples.read_population(office.archive, office.actor("wahyu"), sample=sample)
    assert listed.decode().splitlines() == sorted(opened)
    assert (found["of"], found["population_digest"]) == (5, sha256(listed).hexdigest())
    drawn = sorted(opened, key=lambda id: sha256(f"dadu-4-1-6\n{id}".encode()).digest())[:2]
    assert [item["dossier"] for item in found["items"]] == drawn
    with office.archive.db.read() as session:
        (event,) = read_events(session, [found["event"]])
    assert (event.stream, event.payload["dossiers"]) == (f"user:{office.actor('wahyu').user}", drawn)
    assert event.payload["filter"]["periods"] == ["2026-1"] and event.payload["seed"] == "dadu-4-1-6"
    assert draw(office, 2) != sample
    assert audit.check_archive(office.archive).discrepancies == []


def test_a_seed_of_the_services_own_is_new_each_time_and_told(lite: Office) -> None:
    open_several(lite, 1)
    wahyu = lite.actor("wahyu")
    seeds = {samples.read_sample(lite.archive, wahyu, sample=draw(lite, 3, None))["seed"] for _ in range(2)}
    assert len(seeds) == 2 and all(re.fullmatch("[0-9a-f]{32}", seed) for seed in seeds)


def test_progress_is_told_and_each_result_is_an_event(lite: Office) -> None:
    open_several(lite, 3)
    sample, wahyu = draw(lite, 3), lite.actor("wahyu")
    items = samples.read_sample(lite.archive, wahyu, sample=sample)["items"]
    first, second = items[0]["dossier"], items[1]["dossier"]
    reading.read_dossier(lite.archive, wahyu, dossier=second)
    samples.judge_item(lite.archive, wahyu, sample=sample, dossier=first, result="looked")
    samples.judge_item(lite.archive, wahyu, sample=sample, dossier=first, result="fine", note="Lengkap.")
    samples.judge_item(lite.archive, wahyu, sample=sample, dossier=second, result="finding", finding=first)
    found = samples.read_sample(lite.archive, wahyu, sample=sample)
    assert (found["looked_at"], found["fine"], found["findings"], found["drawn"]) == (2, 1, 1, 3)
    assert [(i["result"], i["is_opened"], i["note"]) for i in found["items"]] == [
        ("fine", False, "Lengkap."),
        ("finding", True, None),
        (None, False, None),
    ]
    page = samples.page_samples(lite.archive, wahyu, page=PageRequest(1))
    assert [row["sample"] for row in page.rows] == [sample] and page.next is None
    data, name = samples.export_sample(
        lite.archive, wahyu, sample=sample, kind="csv", headings=["x"] * 8, words=lambda code: code
    )
    assert name == f"sample-{sample}.csv" and b"Lengkap." in data
    assert audit.check_archive(lite.archive).discrepancies == []


def test_only_auditors_draw_and_only_the_drawer_looks_through(lite: Office) -> None:
    open_several(lite, 1)
    for login in ("maya", "nuraini", "admin"):
        with pytest.raises(Forbidden):
            samples.draw_sample(lite.archive, lite.actor(login), wanted=EVERYTHING, size=1)
        with pytest.raises(Forbidden):
            samples.page_samples(lite.archive, lite.actor(login), page=PageRequest())
    sample = draw(lite, 1)
    admin = lite.actor("admin")
    other = people.register_person(lite.archive, admin, name="Rini")
    users.create_user(lite.archive, admin, person=other, login="rini", password=PASSWORD)
    people.assign_role(lite.archive, admin, person=other, role="auditor", work_unit=lite.unit, from_on="2026-01-01")
    (item,) = samples.read_sample(lite.archive, lite.actor("rini"), sample=sample)["items"]
    with pytest.raises(Conflict) as others:
        samples.judge_item(lite.archive, lite.actor("rini"), sample=sample, dossier=item["dossier"], result="fine")
    assert others.value.code == "sample_of_another"


def test_a_changed_list_is_found_by_the_audit(lite: Office) -> None:
    open_several(lite, 2)
    sample = draw(lite, 1)
    with lite.forced() as connection:
        connection.execute(update(SampleRow).values(data=b"0\n"))
    assert [(d.code, d.place) for d in audit.check_archive(lite.archive).discrepancies] == [("sample_differs", sample)]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"size": 0}, "size_out_of_range"),
    ({"size": 151}, "size_out_of_range"),
    ({"seed": "dadu 4"}, "seed_malformed"),
    ({"status": "baru"}, "status_unknown"),
    ({"periods": ("2026-5",)}, "period_malformed"),
    ({"periods": ("2026-1",) * 17}, "filter_too_wide"),
    ({"work_units": ("x",)}, "id_expected"),
    ({"step": "Langkah 1"}, "key_expected"),
    ({"periods": ("2020-1",)}, "population_empty"),
]


def test_what_cannot_be_drawn_is_said(lite: Office) -> None:
    for wanted, code in WRONG:
        with pytest.raises(InvalidInput) as wrong:
            draw(lite, **wanted)
        assert wrong.value.code == code


def test_unknown_samples_and_results_are_refused(lite: Office) -> None:
    open_several(lite, 1)
    wahyu, sample = lite.actor("wahyu"), draw(lite, 1)
    with pytest.raises(NotFound):
        samples.read_sample(lite.archive, wahyu, sample=lite.unit)
    with pytest.raises(NotFound):
        samples.read_population(lite.archive, wahyu, sample=lite.unit)
    with pytest.raises(NotFound):
        samples.judge_item(lite.archive, wahyu, sample=sample, dossier=lite.unit, result="fine")
    with pytest.raises(InvalidInput) as wrong:
        samples.judge_item(lite.archive, wahyu, sample=sample, dossier=lite.unit, result="bagus")
    assert wrong.value.code == "result_unknown"
    assert samples.count_population(lite.archive, wahyu, wanted=EVERYTHING) == 1


def test_the_documented_commands_draw_the_same_sample(tmp_path: Path) -> None:
    """docs/auditing.md, run as it stands there."""
    ids = [sha256(str(number).encode()).hexdigest()[:32] for number in range(100)]
    (tmp_path / "population.txt").write_bytes(drawing.format_population(ids))
    (script,) = re.findall(r"```sh\n(SEED=.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    seed = re.findall(r"SEED=(\S+)", script)[0]
    digest, *drawn = ran.stdout.split()
    assert digest == sha256((tmp_path / "population.txt").read_bytes()).hexdigest()
    assert drawn[1:] == drawing.draw(seed, ids, 5)
