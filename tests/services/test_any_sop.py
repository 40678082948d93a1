"""Procedures unlike the first run from their data alone: parallel steps that join, a conditional step, a document from outside."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from archive_service.errors import InvalidInput
from archive_service.services import audit
from archive_service.verifier.verify import VALID
from tests.office import open_office
from tests.sop_player import SOPS, Player

COMPLAINT = SOPS / "examples" / "pos-pengaduan.toml"
PERMIT = SOPS / "examples" / "pos-izin-penelitian.toml"


Start = Callable[[Path], Player]


@pytest.fixture
def player(office_template: Path, tmp_path: Path) -> Start:
    """What gives a player of an SOP's file, in a new office."""

    def start(path: Path) -> Player:
        shutil.copytree(office_template, tmp_path / "var")
        return Player(open_office(tmp_path / "var"), path)

    return start


def require_valid(acted: Player) -> None:
    report = acted.verify()
    assert (report.verdict, [(d.code, d.place, d.text) for d in report.discrepancies]) == (VALID, [])
    assert audit.check_archive(acted.office.archive).discrepancies == []


@pytest.mark.parametrize("path", sorted(SOPS.glob("**/*.toml")), ids=lambda path: path.stem)
def test_every_shipped_procedure_runs_to_a_valid_bundle(player: Start, path: Path) -> None:
    acted = player(path)
    acted.open()
    acted.play()
    require_valid(acted)
    found = acted.statement()
    assert (found["missing"], found["present"] == found["required"], found["deviations"]) == (0, True, [])


@pytest.mark.parametrize("order", [["3a", "3b"], ["3b", "3a"]])
def test_parallel_steps_join_in_either_order(player: Start, order: list[str]) -> None:
    acted = player(COMPLAINT)
    acted.open()
    acted.finish("1")
    acted.finish("2")
    assert acted.running() == ["3a", "3b"]
    acted.finish(order[0])
    assert acted.running() == [order[1]]
    acted.finish(order[1])
    assert acted.running() == ["4"]
    last = acted.state().last_run("4")
    joined = acted.state().last_run(order[1])
    assert last is not None and joined is not None and last.started_at == joined.finished_at


def test_a_return_across_the_join_runs_one_branch_again(player: Start) -> None:
    acted = player(COMPLAINT)
    acted.open()
    for key in ("1", "2", "3a", "3b", "4"):
        acted.finish(key)
    acted.finish("5", "return")
    assert acted.running() == ["3a"]
    acted.finish("3a")
    assert acted.running() == ["4"]
    acted.play()
    state = acted.state()
    iterations = {key: sum(1 for r in state.runs if r.step == key) for key in acted.sop.order}
    assert iterations == {"1": 1, "2": 1, "3a": 2, "3b": 1, "4": 2, "5": 2, "6": 1, "7": 1}
    require_valid(acted)


def test_a_conditional_step_is_skipped_for_the_other_answer(player: Start) -> None:
    acted = player(PERMIT)
    acted.open()
    with pytest.raises(InvalidInput) as no_choice:
        acted.finish("1", answers={"humans_involved": "Mungkin"})
    assert no_choice.value.code == "answer_not_a_choice"
    acted.finish("1", answers={"humans_involved": "Tidak"})
    acted.finish("2")
    assert (acted.running(), acted.skipped()) == (["4"], ["3"])
    acted.play()
    require_valid(acted)
    found = acted.statement()
    assert (found["skipped"], found["answers"]) == (["3"], {"humans_involved": "Tidak"})
    (letter,) = [r for s in found["steps"] for r in s["requirements"] if r["kind"] == "ethics_letter"]
    assert (letter["state"], letter["satisfied_by"], found["not_applicable"]) == ("not_applicable", [], 1)


def test_a_conditional_step_runs_for_its_answer_and_takes_a_document_from_outside(player: Start) -> None:
    acted = player(PERMIT)
    acted.open()
    acted.finish("1", answers={"humans_involved": "Ya"})
    acted.finish("2")
    assert (acted.running(), acted.skipped()) == (["3"], [])
    acted.play()
    require_valid(acted)


@pytest.mark.parametrize("path", [COMPLAINT, PERMIT], ids=lambda path: path.stem)
def test_an_example_says_what_its_source_says(path: Path) -> None:
    sop = tomllib.loads(path.read_text(encoding="utf-8"))
    source = path.parent / sop["source"]["file"]
    data = source.read_bytes()
    assert sha256(data).hexdigest() == sop["source"]["sha256"]
    rows = [line.split(" | ") for line in data.decode().splitlines() if line[:1].isdigit() and " | " in line]
    titles = {role["key"]: role["title"] for role in sop["roles"]}
    assert [[s["key"], s["activity"], titles[s["performer"]], s["norm"]["text"]] for s in sop["steps"]] == [
        [row[0], row[1], row[2], row[4]] for row in rows
    ]
    for step, row in zip(sop["steps"], rows, strict=True):
        assert "; ".join(rule["title"] for rule in step["inputs"]) == row[3]
        assert "; ".join(rule["title"] for rule in step["outputs"]) == row[5]


@pytest.mark.parametrize("path", [COMPLAINT, PERMIT], ids=lambda path: path.stem)
def test_every_guess_of_an_example_is_marked(path: Path) -> None:
    sop = tomllib.loads(path.read_text(encoding="utf-8"))
    assert "no institution's own" in path.read_text(encoding="utf-8").splitlines()[0]
    for step in sop["steps"]:
        guessed = {"kind", "explanations_accepted_by", "pauses_granted_by"}
        guessed |= {name for name in ("after", "separate_from", "when") if step.get(name)}
        guessed |= {f"inputs[{i}].from" for i in range(len(step["inputs"]))}
        for i, rule in enumerate(step["outputs"]):
            guessed |= {
                f"outputs[{i}].{field}" for field in ("evidence", "media", "min", "max", "form") if rule.get(field)
            }
        # where a rejection goes and who performs, the table says itself
        assert {each["field"] for each in step["inferred"]} == guessed, step["key"]


def rewrite(path: Path, folder: Path, change: Callable[[dict[str, dict[str, Any]]], None]) -> Path:
    """The SOP with changed steps, as a file of its own."""
    sop = tomllib.loads(path.read_text(encoding="utf-8"))
    steps = {step["key"]: step for step in sop["steps"]}
    change(steps)
    for step in steps.values():
        step["inferred"] = []
    made = folder / path.name
    made.write_text(tomli_w.dumps({**sop, "steps": list(steps.values())}), encoding="utf-8")
    return made


def test_a_return_from_one_branch_ends_the_other_and_both_run_again(player: Start, tmp_path: Path) -> None:
    def decide_in_a_branch(steps: dict[str, dict[str, Any]]) -> None:
        steps["3a"] |= {"kind": "review", "returns_to": "2"}
        steps["3a"]["outputs"][0] |= {"evidence": "decision", "media": [], "min": 0, "max": 0}

    acted = player(rewrite(COMPLAINT, tmp_path, decide_in_a_branch))
    acted.open()
    acted.finish("1")
    acted.finish("2")
    acted.finish("3a", "return")
    assert acted.running() == ["2"]
    acted.finish("2")
    assert acted.running() == ["3a", "3b"]
    acted.finish("3b")
    acted.finish("3a", "return")
    assert acted.running() == ["2"], "what the finished branch left counts no more"
    acted.play()
    iterations = {key: sum(1 for r in acted.state().runs if r.step == key) for key in ("2", "3a", "3b", "4")}
    assert iterations == {"2": 3, "3a": 3, "3b": 3, "4": 1}
    require_valid(acted)


def return_to_the_question(steps: dict[str, dict[str, Any]]) -> None:
    steps["5"] |= {"returns_to": "1", "separate_from": ["4"]}


@pytest.mark.parametrize("answers", [("Ya", "Tidak"), ("Tidak", "Ya")])
def test_another_answer_after_a_return_leads_another_way(
    player: Start, tmp_path: Path, answers: tuple[str, str]
) -> None:
    acted = player(rewrite(PERMIT, tmp_path, return_to_the_question))
    acted.open()
    for answer in answers:
        acted.finish("1", answers={"humans_involved": answer})
        acted.finish("2")
        assert (acted.running(), acted.skipped()) == ((["3"], []) if answer == "Ya" else (["4"], ["3"]))
        while acted.running() != ["5"]:
            acted.finish(acted.running()[0])
        if answer == answers[0]:
            acted.finish("5", "return")
            assert (acted.running(), acted.skipped()) == (["1"], [])
    acted.play()
    require_valid(acted)
    found = acted.statement()
    assert found["answers"] == {"humans_involved": answers[1]}
    assert found["skipped"] == (["3"] if answers[1] == "Tidak" else [])


def test_steps_that_are_skipped_one_after_the_other_and_beside_each_other(player: Start, tmp_path: Path) -> None:
    def chain(steps: dict[str, dict[str, Any]]) -> None:
        when = {"field": "humans_involved", "equals": "Ya"}
        again = {**deepcopy(steps["3"]), "key": "3b", "after": ["3"], "inputs": []}
        other = {**deepcopy(steps["3"]), "key": "3c", "after": ["2"], "when": {**when, "equals": "Tidak"}, "inputs": []}
        later = {key: steps.pop(key) for key in ("4", "5", "6")}
        steps |= {"3b": again, "3c": other, **later}
        steps["4"]["after"] = ["3b", "3c"]

    acted = player(rewrite(PERMIT, tmp_path, chain))
    acted.open()
    acted.finish("1", answers={"humans_involved": "Tidak"})
    acted.finish("2")
    assert (acted.running(), acted.skipped()) == (["3c"], ["3", "3b"])
    acted.play()
    require_valid(acted)


def test_a_dossier_whose_first_step_does_not_apply_starts_with_the_next(player: Start, tmp_path: Path) -> None:
    def ask_at_opening(steps: dict[str, dict[str, Any]]) -> None:
        when = {"field": "humans_involved", "equals": "Ya"}
        steps["1"]["when"] = when
        steps["2"]["inputs"] = []

    path = rewrite(PERMIT, tmp_path, ask_at_opening)
    path.write_text(
        path.read_text(encoding="utf-8").replace('asked_at = "1"', 'asked_at = "opening"'), encoding="utf-8"
    )
    acted = player(path)
    acted.open({"humans_involved": "Tidak"})
    assert (acted.running(), acted.skipped()) == (["2"], ["1"])
    acted.play()
    require_valid(acted)
    assert acted.statement()["skipped"] == ["1", "3"]
