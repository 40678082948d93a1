"""A few of the changes and clean states that ``make attack`` makes by the thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks import at_random
from tests.office import Office


def play_one_dossier(office: Office) -> None:
    office.play()


@pytest.mark.slow
def test_damage_at_random_is_found(tmp_path: Path) -> None:
    outcome = at_random.Outcome()
    with at_random.make_target(tmp_path / "target", "quick", play_one_dossier) as target:
        at_random.run_damage(target, "quick", range(24), outcome)
    assert outcome.missed == [] and sum(outcome.found.values()) == 24
    assert set(outcome.found) == set(at_random.KINDS)


@pytest.mark.slow
def test_honest_work_at_random_is_not_suspected(tmp_path: Path) -> None:
    outcome = at_random.Outcome()
    at_random.run_clean(tmp_path / "clean", "quick", 6, outcome)
    assert (outcome.clean, outcome.alarms) == (6, [])


def test_what_is_not_found_is_told_with_what_makes_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(at_random.Target, "attack", lambda self, kind, chance: ("nothing was done", []))
    monkeypatch.setattr(at_random, "make_target", lambda folder, seed: _Nothing())
    assert at_random.main(["--seed", "7", "--first", "3", "--mutations", "1", "--clean", "0"]) == 1
    assert "NOT FOUND --seed 7 --first 3 --mutations 1: " in capsys.readouterr().out


class _Nothing:
    """A target to which nothing happens."""

    def __enter__(self) -> at_random.Target:
        return at_random.Target.__new__(at_random.Target)

    def __exit__(self, *_: object) -> None:
        pass
