"""Commands about work units over HTTP: what they owe each period, what they did not start, findings of audits."""

from __future__ import annotations

from typing import Any

import click

from archive_service.cli.connection import connect
from archive_service.cli.listing import AS_JSON, show_rows

OBLIGATIONS = "/api/v1/obligations"
FINDINGS = "/api/v1/findings"


@click.group()
def obligation() -> None:
    """What work units owe each period."""


@obligation.command("list")
@click.argument("year", type=int)
@click.argument("quarter", type=click.IntRange(1, 4))
@AS_JSON
def list_obligations(year: int, quarter: int, is_json: bool) -> None:
    """The obligations of a quarter, and what became of them."""
    found = connect().call("GET", OBLIGATIONS, params={"year": year, "quarter": quarter})["obligations"]
    show_rows(found, ("obligation", "work_unit_name", "sop", "due_at", "state"), is_json)


@obligation.command("set")
@click.argument("year", type=int)
@click.argument("quarter", type=click.IntRange(1, 4))
@click.argument("due_on")
@click.option("--sop", default="sop-spmi-601", show_default=True)
@click.option("--letter", help="The number of the letter that asks for it.")
@click.option("--unit", "work_units", multiple=True, help="A work unit's id; all units if left out.")
def set_obligations(
    year: int, quarter: int, due_on: str, sop: str, letter: str | None, work_units: tuple[str, ...]
) -> None:
    """Open a quarter for all work units; asked again, only what is missing is added."""
    body = {
        "sop": sop,
        "year": year,
        "quarter": quarter,
        "due_on": due_on,
        "basis": "letter" if letter else "calendar",
        "letter": letter,
        "work_units": list(work_units) or None,
    }
    click.echo(f"{connect().change(OBLIGATIONS, body)['made']} obligation(s) set.")


@obligation.command("withdraw")
@click.argument("obligation_id", metavar="OBLIGATION")
@click.option("--reason", required=True)
def withdraw_obligation(obligation_id: str, reason: str) -> None:
    """Say that a unit does not owe it after all."""
    connect().change(f"{OBLIGATIONS}/{obligation_id}/withdrawal", {"reason": reason})
    click.echo(f"Obligation {obligation_id} is withdrawn.")


@obligation.command("missed")
@click.argument("work_unit")
@AS_JSON
def list_missed(work_unit: str, is_json: bool) -> None:
    """What a work unit did not carry out."""
    found = connect().call("GET", f"/api/v1/work-units/{work_unit}/deviations")["deviations"]
    show_rows(found, ("deviation", "subject", "responsible_name", "at", "state"), is_json)


@obligation.command("explain")
@click.argument("work_unit")
@click.argument("deviation")
@click.argument("explanation")
def explain_missed(work_unit: str, deviation: str, explanation: str) -> None:
    """Account for a procedure that was not carried out."""
    path = f"/api/v1/work-units/{work_unit}/deviations/{deviation}/explanations"
    click.echo(f"Explanation {connect().change(path, {'explanation': explanation})['number']} is recorded.")


@obligation.command("answer")
@click.argument("work_unit")
@click.argument("deviation")
@click.argument("number", type=click.IntRange(1))
@click.argument("answer", type=click.Choice(["accept", "ask-again"]))
@click.option("--reason", help="What is missing, where it is asked again.")
def answer_missed(work_unit: str, deviation: str, number: int, answer: str, reason: str | None) -> None:
    """Accept such an explanation, or ask again."""
    path = f"/api/v1/work-units/{work_unit}/deviations/{deviation}/explanations/{number}/answer"
    connect().change(path, {"is_accepted": answer == "accept", "reason": reason})
    click.echo(f"Explanation {number}: {answer}.")


@click.group()
def finding() -> None:
    """Findings of audits."""


@finding.command("list")
@click.option("--unit", "work_unit", help="One work unit's alone.")
@AS_JSON
def list_findings(work_unit: str | None, is_json: bool) -> None:
    """The findings that you may read, newest first."""
    query = {} if work_unit is None else {"work_unit": work_unit}
    found = connect().rows(FINDINGS, "findings", **query)
    show_rows(found, ("finding", "work_unit_name", "state", "classification", "pic_name", "due_on"), is_json)


@finding.command("show")
@click.argument("finding_id", metavar="FINDING")
@AS_JSON
def show_finding(finding_id: str, is_json: bool) -> None:
    """One finding: every step with its words."""
    found = connect().call("GET", f"{FINDINGS}/{finding_id}")
    steps = [{**s, "text": "; ".join(f"{k}: {v}" for k, v in s["texts"].items())} for s in found["steps"]]
    show_rows(steps, ("at", "type", "person_name", "text"), is_json)


@finding.command("propose")
@click.argument("work_unit")
@click.argument("text")
@click.option("--deviation", "deviations", multiple=True, help="A deviation that it rests on; repeat it.")
def propose_finding(work_unit: str, text: str, deviations: tuple[str, ...]) -> None:
    """Propose a finding from deviations."""
    made = connect().change(FINDINGS, {"work_unit": work_unit, "text": text, "deviations": list(deviations)})
    click.echo(f"Candidate {made['finding']}")


def _step(finding_id: str, step: str, body: dict[str, Any]) -> None:
    connect().change(f"{FINDINGS}/{finding_id}/{step}", body)
    click.echo(f"Finding {finding_id}: {step}.")


@finding.command("classify")
@click.argument("finding_id", metavar="FINDING")
@click.argument("classification", type=click.Choice(["kts_major", "kts_minor", "observation", "positive", "rejected"]))
@click.option("--problem", required=True)
@click.option("--location")
@click.option("--evidence")
@click.option("--reference")
def classify_finding(finding_id: str, classification: str, **plor: str | None) -> None:
    """Say what a finding is, as an auditor."""
    _step(finding_id, "classification", {"classification": classification, **plor})


@finding.command("cause")
@click.argument("finding_id", metavar="FINDING")
@click.argument("cause")
def state_cause(finding_id: str, cause: str) -> None:
    """State the root cause, as an auditor."""
    _step(finding_id, "cause", {"cause": cause})


@finding.command("action")
@click.argument("finding_id", metavar="FINDING")
@click.argument("action")
@click.option("--pic", required=True, help="The person in charge, by id.")
@click.option("--due-on", required=True)
def set_action(finding_id: str, action: str, pic: str, due_on: str) -> None:
    """Set the corrective action, as an auditor."""
    _step(finding_id, "action", {"action": action, "pic": pic, "due_on": due_on})


@finding.command("done")
@click.argument("finding_id", metavar="FINDING")
@click.argument("note")
def finish_action(finding_id: str, note: str) -> None:
    """Say that the corrective action is done, as the person in charge."""
    _step(finding_id, "done", {"note": note})


@finding.command("effect")
@click.argument("finding_id", metavar="FINDING")
@click.argument("note")
@click.option("--effective/--not-effective", "is_effective", required=True)
def check_effect(finding_id: str, note: str, is_effective: bool) -> None:
    """Say whether the action worked, as an auditor."""
    _step(finding_id, "effect", {"is_effective": is_effective, "note": note})
