"""Commands that talk to a running service over HTTP: dossiers, their events and jobs, definitions."""

from __future__ import annotations

import json
from pathlib import Path

import click

from archive_service.cli.client_documents import read_object
from archive_service.cli.connection import connect
from archive_service.cli.listing import AS_JSON, cell_text, show_rows
from archive_service.errors import InvalidInput, NotFound

CAUSES = ("outside_party", "force_majeure", "system_outage", "official_duty", "other")
GAPS = click.option("--accept-gaps", is_flag=True, help="Go on although required inputs are missing.")

ANSWERS = click.option(
    "--answer",
    "answers",
    type=(str, str),
    multiple=True,
    metavar="QUESTION CHOICE",
    help="Answer a question of the SOP.",
)
HAPPENED = click.option(
    "--happened-at", help="When it is said to have happened, where it is entered later (2026-03-16T08:00:00+07:00)."
)


def _path(dossier: str, rest: str = "") -> str:
    if not dossier.isalnum() or not dossier.isascii():
        raise InvalidInput("id_expected", "A dossier is named by its id of 32 hex digits; `dossier list` shows them.")
    return f"/api/v1/dossiers/{dossier}{rest}"


# dossiers --------------------------------------------------------------------------------------------------------


@click.group()
def dossier() -> None:
    """Dossiers of a running service (ARCHIVE_URL, ARCHIVE_TOKEN)."""


@dossier.command("list")
@click.option("--status", type=click.Choice(["open", "sealed", "cancelled"]))
@click.option("--year", type=int)
@click.option("--quarter", type=click.IntRange(1, 4))
@AS_JSON
def list_dossiers(status: str | None, year: int | None, quarter: int | None, is_json: bool) -> None:
    """The dossiers that you may read, newest first."""
    found = connect().rows("/api/v1/dossiers", "dossiers", status=status, year=year, quarter=quarter)
    show_rows(found, ("dossier", "status", "year", "quarter", "work_unit", "title"), is_json)


@dossier.command("show")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def show_dossier(dossier_id: str, is_json: bool) -> None:
    """One dossier: its steps, who holds them until when, its documents and deviations."""
    found = connect().call("GET", _path(dossier_id))
    if is_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(f"{cell_text(found['title'])} [{found['status']}]")
    click.echo(f"{found['work_unit']['name']}, {found['year']}, quarter {found['quarter']}\n")
    steps = []
    for step in found["steps"]:
        run = step["iterations"][-1] if step["iterations"] else {}
        held = {"by": run.get("responsible_name"), "until": run.get("due_at"), "time": run.get("time")}
        steps.append({**step, **held})
    show_rows(steps, ("step", "state", "by", "until", "time", "activity"), False)
    for name, columns in (
        ("documents", ("version", "step", "kind", "number", "size", "file_name", "withdrawn_at")),
        ("deviations", ("deviation", "code", "step", "responsible_name", "explained_at")),
    ):
        if found[name]:
            click.echo()
            show_rows(found[name], columns, False)


@dossier.command("open")
@click.option("--unit", "work_unit", required=True, help="The work unit's id; `work-unit list` shows them.")
@click.option("--year", type=int, required=True)
@click.option("--quarter", type=click.IntRange(1, 4), required=True)
@click.option("--title", required=True)
@click.option("--letter-number", required=True, help="The letter that asks for the report: its number,")
@click.option("--letter-sender", required=True, help="who sent it,")
@click.option("--agenda-number", required=True, help="its number in the agenda,")
@click.option("--letter-date", required=True, help="its date, YYYY-MM-DD,")
@click.option(
    "--received-at", required=True, help="when it was received, 2026-03-13T09:00:00+07:00: step 1 starts then,"
)
@click.option("--reply-due", help="and by when a reply is due, YYYY-MM-DD.")
@click.option("--sop", default="sop-spmi-601", show_default=True)
def open_dossier(
    work_unit: str,
    year: int,
    quarter: int,
    title: str,
    letter_number: str,
    letter_sender: str,
    agenda_number: str,
    letter_date: str,
    received_at: str,
    reply_due: str | None,
    sop: str,
) -> None:
    """Open a dossier; its id."""
    letter = {
        "number": letter_number,
        "sender": letter_sender,
        "agenda_number": agenda_number,
        "dated_on": letter_date,
        "received_at": received_at,
        "reply_due_on": reply_due,
    }
    period = {"sop": sop, "work_unit": work_unit, "year": year, "quarter": quarter}
    click.echo(connect().change("/api/v1/dossiers", {**period, "title": title, "letter": letter})["dossier"])


@dossier.command("hand-over")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("person_id", metavar="PERSON")
@click.option("--reason", required=True)
def hand_over(dossier_id: str, step: str, person_id: str, reason: str) -> None:
    """Have another person answer for a running step."""
    body = {"person": person_id, "reason": reason}
    connect().call("PUT", _path(dossier_id, f"/steps/{step}/responsible"), json=body)
    click.echo(f"Step {step} is handed over.")


@dossier.command("cancel")
@click.argument("dossier_id", metavar="DOSSIER")
@click.option("--reason", help="Asks for the cancellation; without one, somebody else's request is confirmed.")
def cancel_dossier(dossier_id: str, reason: str | None) -> None:
    """End a dossier unfinished: one person asks with a reason, a second one confirms."""
    if reason is not None:
        connect().change(_path(dossier_id, "/cancellation"), {"reason": reason})
        click.echo("Asked for; a second person confirms with the same command without --reason.")
        return
    connect().change(_path(dossier_id, "/cancellation/confirmation"), {})
    click.echo("The dossier is cancelled.")


@dossier.command("steps")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_steps(dossier_id: str, is_json: bool) -> None:
    """The steps of a dossier."""
    show_rows(connect().rows(_path(dossier_id, "/steps"), "steps"), ("step", "state", "performer", "activity"), is_json)


@dossier.command("documents")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_documents(dossier_id: str, is_json: bool) -> None:
    """Every version of every document."""
    columns = ("version", "step", "kind", "number", "size", "file_name", "received_at", "withdrawn_at")
    show_rows(connect().rows(_path(dossier_id, "/documents"), "documents"), columns, is_json)


@dossier.command("download")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("version")
@click.argument("file", type=click.Path(path_type=Path))
def download_document(dossier_id: str, version: str, file: Path) -> None:
    """Save one version of a document; its SHA-256 is checked."""
    digest = connect().download(_path(dossier_id, f"/documents/{version}/content"), file)
    click.echo(f"{file}  sha256 {digest}")


@dossier.command("decisions")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_decisions(dossier_id: str, is_json: bool) -> None:
    """Approvals and returns."""
    columns = ("step", "iteration", "decision", "person", "at", "returns_to", "reason")
    show_rows(connect().rows(_path(dossier_id, "/decisions"), "decisions"), columns, is_json)


@dossier.command("verdicts")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_verdicts(dossier_id: str, is_json: bool) -> None:
    """Completeness and time of every finished iteration."""
    found = [
        {**row, "minutes": row["used_seconds"] // 60, "norm": row["limit_seconds"] // 60}
        for row in connect().rows(_path(dossier_id, "/verdicts"), "verdicts")
    ]
    show_rows(found, ("step", "iteration", "time", "minutes", "norm", "completeness"), is_json)


@dossier.command("deviations")
@click.argument("dossier_id", metavar="DOSSIER", required=False)
@AS_JSON
def list_deviations(dossier_id: str | None, is_json: bool) -> None:
    """Deviations of a dossier, or of all that you may read."""
    path = "/api/v1/deviations" if dossier_id is None else _path(dossier_id, "/deviations")
    columns = ("deviation", "code", "step", "responsible_name", "at", "explained_at")
    show_rows(connect().rows(path, "deviations"), columns, is_json)


@dossier.command("upload")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", required=True, help="The kind of document, as the step's checklist names it.")
@click.option("--name", help="The file's name, if it should be another.")
@click.option("--document", help="The document that this is a new version of.")
@click.option("--indicator", help="The code of the indicator that it is evidence for.")
@click.option("--application", help="Receipt of an upload elsewhere: the application,")
@click.option("--address", help="its address,")
@click.option("--number", help="and the number that it gave.")
@click.option("--receipt", "receipt", type=click.Path(path_type=Path), help="Keep the signed receipt in this file.")
def upload_document(
    dossier_id: str, step: str, file: Path, kind: str, name: str | None, receipt: Path | None, **more: str | None
) -> None:
    """Send a file into a step, with its digest; nothing is kept of one that changed on the way."""
    query = {"kind": kind, "name": name or file.name, **{k: v for k, v in more.items() if v is not None}}
    received = connect().upload(_path(dossier_id, f"/steps/{step}/documents"), file, query)
    if receipt is not None:
        try:
            receipt.write_text(received["receipt"], encoding="utf-8")
        except OSError as exc:
            raise NotFound("cannot_write", f"Received, but the receipt cannot be kept: {exc.strerror}.") from exc
    click.echo(f"{received['version']}  {received['size']} bytes  sha256 {received['digest']}")


@dossier.command("submit")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@GAPS
@ANSWERS
@HAPPENED
def submit_step(
    dossier_id: str, step: str, accept_gaps: bool, answers: tuple[tuple[str, str], ...], happened_at: str | None
) -> None:
    """Finish a step with its documents."""
    body = {"accepts_gaps": accept_gaps, "answers": dict(answers), "happened_at": happened_at}
    connect().change(_path(dossier_id, f"/steps/{step}/submission"), body)
    click.echo(f"Step {step} is submitted.")


@dossier.command("decide")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("decision", type=click.Choice(["approve", "return"]))
@click.option("--version", "versions", multiple=True, required=True, help="A version that you looked at; repeat it.")
@click.option("--reason", help="Why it goes back.")
@click.option("--to", "returns_to", help="The step that it goes back to.")
@GAPS
@ANSWERS
@HAPPENED
def decide_step(
    dossier_id: str,
    step: str,
    decision: str,
    versions: tuple[str, ...],
    reason: str | None,
    returns_to: str | None,
    accept_gaps: bool,
    answers: tuple[tuple[str, str], ...],
    happened_at: str | None,
) -> None:
    """Approve a step or return it, on exactly the versions that you looked at."""
    body = {
        "decision": decision,
        "versions": list(versions),
        "reason": reason,
        "returns_to": returns_to,
        "accepts_gaps": accept_gaps,
        "answers": dict(answers),
        "happened_at": happened_at,
    }
    connect().change(_path(dossier_id, f"/steps/{step}/decision"), body)
    click.echo(f"Step {step}: {decision}.")


@dossier.command("prepare-decision")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("decision", type=click.Choice(["approve", "return"]))
@click.option("--version", "versions", multiple=True, required=True, help="A version that you looked at; repeat it.")
@click.option("--reason", help="Why it goes back.")
@click.option("--to", "returns_to", help="The step that it goes back to.")
@GAPS
@ANSWERS
@HAPPENED
def prepare_decision(
    dossier_id: str,
    step: str,
    decision: str,
    versions: tuple[str, ...],
    reason: str | None,
    returns_to: str | None,
    accept_gaps: bool,
    answers: tuple[tuple[str, str], ...],
    happened_at: str | None,
) -> None:
    """Print what to sign with a passkey to decide, as JSON; `dossier sign-decision` hands the signature in."""
    body = {
        "decision": decision,
        "versions": list(versions),
        "reason": reason,
        "returns_to": returns_to,
        "accepts_gaps": accept_gaps,
        "answers": dict(answers),
        "happened_at": happened_at,
    }
    prepared = connect().call("POST", _path(dossier_id, f"/steps/{step}/decision/preparation"), json=body)
    click.echo(json.dumps(prepared, indent=2, ensure_ascii=False))


@dossier.command("sign-decision")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("preparation")
@click.argument("file", type=click.Path(path_type=Path))
def sign_decision(dossier_id: str, step: str, preparation: str, file: Path) -> None:
    """Make a prepared decision; FILE holds the signature as a browser or another tool gave it, as JSON."""
    body = {"preparation": preparation, "credential": read_object(file)}
    connect().change(_path(dossier_id, f"/steps/{step}/decision/signature"), body)
    click.echo(f"Step {step}: decided and signed.")


@dossier.command("withdraw")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("version")
@click.option("--reason", required=True)
def withdraw_document(dossier_id: str, version: str, reason: str) -> None:
    """Withdraw a document version before its step is submitted."""
    connect().change(_path(dossier_id, f"/documents/{version}/withdrawal"), {"reason": reason})
    click.echo(f"Version {version} is withdrawn.")


@dossier.command("explain")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("deviation")
@click.argument("explanation")
def explain_deviation(dossier_id: str, deviation: str, explanation: str) -> None:
    """Account for a deviation that you answer for."""
    made = connect().change(_path(dossier_id, f"/deviations/{deviation}/explanations"), {"explanation": explanation})
    click.echo(f"Explanation {made['number']} of deviation {deviation} is recorded.")


@dossier.command("answer")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("deviation")
@click.argument("number", type=click.IntRange(1))
@click.argument("answer", type=click.Choice(["accept", "ask-again"]))
@click.option("--reason", help="What is missing, where it is asked again.")
def answer_explanation(dossier_id: str, deviation: str, number: int, answer: str, reason: str | None) -> None:
    """Accept an explanation, or ask again, as the role that the SOP names."""
    body = {"is_accepted": answer == "accept", "reason": reason}
    connect().change(_path(dossier_id, f"/deviations/{deviation}/explanations/{number}/answer"), body)
    click.echo(f"Explanation {number} of deviation {deviation}: {answer}.")


@dossier.command("pause")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("cause", type=click.Choice(CAUSES))
@click.option("--reason", required=True)
@click.option("--from", "from_at", help="Since when (2026-03-16T08:00:00+07:00); now if left out.")
@click.option("--to", "to_at", help="Until when; until it is ended if left out.")
def grant_pause(dossier_id: str, step: str, cause: str, reason: str, from_at: str | None, to_at: str | None) -> None:
    """Stop the clock of a running step, as the role that the SOP names."""
    body = {"cause": cause, "reason": reason, "from_at": from_at, "to_at": to_at}
    made = connect().change(_path(dossier_id, f"/steps/{step}/pauses"), body)
    click.echo(f"Step {step} is paused: {made['pause']}")


@dossier.command("resume")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("pause")
@click.option("--to", "to_at", help="When it ended; now if left out.")
def end_pause(dossier_id: str, pause: str, to_at: str | None) -> None:
    """Let the clock of a paused step run again."""
    connect().change(_path(dossier_id, f"/pauses/{pause}/end"), {"to_at": to_at})
    click.echo(f"Pause {pause} is over.")


@dossier.command("except")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@click.argument("person")
@click.option("--reason", required=True)
def except_duty(dossier_id: str, step: str, person: str, reason: str) -> None:
    """Let a person perform a step that separate duties bar them from, because nobody else may; a deviation."""
    connect().change(_path(dossier_id, f"/steps/{step}/exceptions"), {"person": person, "reason": reason})
    click.echo(f"{person} may perform step {step}; the exception is a deviation that you answer for.")


@dossier.command("judge-again")
@click.argument("dossier_id", metavar="DOSSIER")
@click.option("--calendar", help="The digest of the calendar's version; the newest if left out.")
@click.option("--reason", required=True)
def judge_again(dossier_id: str, calendar: str | None, reason: str) -> None:
    """Judge by another version of the calendar; the verdicts that were given stay beside the new ones."""
    made = connect().change(_path(dossier_id, "/verdicts/again"), {"calendar": calendar, "reason": reason})
    click.echo(f"Judged again by the calendar {made['calendar']}")


@dossier.command("archive")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("step")
@GAPS
@HAPPENED
def archive_dossier(dossier_id: str, step: str, accept_gaps: bool, happened_at: str | None) -> None:
    """Seal a dossier as the performer of its last step; its bundle is built afterwards."""
    body = {"accepts_gaps": accept_gaps, "happened_at": happened_at}
    sealed = connect().change(_path(dossier_id, f"/steps/{step}/archiving"), body)
    click.echo(f"Sealed. Statement sha256 {sealed['statement']}")


@dossier.command("bundle")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("file", type=click.Path(path_type=Path))
def fetch_bundle(dossier_id: str, file: Path) -> None:
    """Save the bundle of a sealed dossier."""
    digest = connect().download(_path(dossier_id, "/bundle"), file)
    click.echo(f"{file}  sha256 {digest}")


# the rest --------------------------------------------------------------------------------------------------------


@click.group()
def event() -> None:
    """Events of a dossier, and proofs that they are in the log."""


@event.command("list")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_events(dossier_id: str, is_json: bool) -> None:
    """The events of a dossier; with --json their exact bytes too, in base64."""
    found = connect().rows(_path(dossier_id, "/events"), "events")
    show_rows(found, ("seq", "at", "type", "leaf_index", "leaf_hash"), is_json)


@event.command("proof")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("seq", type=click.IntRange(0))
@click.option("--checkpoint", type=click.IntRange(1), help="The size of the checkpoint to prove against.")
def prove_event(dossier_id: str, seq: int, checkpoint: int | None) -> None:
    """The inclusion proof of one event against a signed checkpoint, as JSON."""
    query = {} if checkpoint is None else {"checkpoint": checkpoint}
    found = connect().call("GET", _path(dossier_id, f"/events/{seq}/proof"), params=query)
    click.echo(json.dumps(found, indent=2))


@event.command("proof-file")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("seq", type=click.IntRange(0))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def save_proof(dossier_id: str, seq: int, file: Path) -> None:
    """Save the proof of one event as a file of its own (C2SP tlog-proof); `event check-proof` looks at it, offline."""
    _save(file, connect().read_bytes(_path(dossier_id, f"/events/{seq}/tlog-proof")))


@event.command("proofs")
@click.argument("dossier_id", metavar="DOSSIER")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def save_proofs(dossier_id: str, file: Path) -> None:
    """Save the proofs of all events of a dossier under one checkpoint, as a ZIP."""
    _save(file, connect().read_bytes(_path(dossier_id, "/events/proofs")))


@event.command("check-proof")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", required=True, help="The log's verifier key, or a file that holds it.")
def check_proof(file: Path, key: str) -> None:
    """Verify a proof file offline: exit 0 when it proves its event, 2 when it does not."""
    from archive_service.verifier.log_proof import require_proved
    from archive_service.verifier.verify import read_key

    try:
        proved = require_proved(file.read_bytes(), [read_key(key)])
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {exc.filename}: {exc.strerror}.") from exc
    except ValueError as exc:
        raise InvalidInput("proof_refused", f"{file} proves nothing: {exc}.") from exc
    found = proved.event
    click.echo(f"{found.type}, {found.stream} #{found.seq}, {found.at}")
    click.echo(f"leaf {proved.proof.index} of {proved.checkpoint.origin}, checkpoint of size {proved.checkpoint.size}")
    click.echo("VALID")


def _save(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as exc:
        raise NotFound("cannot_write", f"Cannot write {file}: {exc.strerror}.") from exc
    click.echo(f"{file}  {len(data)} bytes")


@click.group()
def job() -> None:
    """What the service does for a dossier afterwards."""


@job.command("list")
@click.argument("dossier_id", metavar="DOSSIER")
@AS_JSON
def list_jobs(dossier_id: str, is_json: bool) -> None:
    """The jobs of a dossier and how far they are, in per cent."""
    found = connect().rows(_path(dossier_id, "/jobs"), "jobs")
    show_rows(found, ("job", "name", "state", "progress", "attempts", "error"), is_json)


@click.group()
def definition() -> None:
    """SOPs and calendars of a running service."""


@definition.command("list")
@AS_JSON
def list_definitions(is_json: bool) -> None:
    """Every registered version."""
    show_rows(connect().rows("/api/v1/definitions", "definitions"), ("kind", "key", "version", "digest"), is_json)


@definition.command("show")
@click.argument("digest")
def show_definition(digest: str) -> None:
    """The canonical text of one version: it hashes to the digest."""
    click.echo(json.dumps(connect().call("GET", f"/api/v1/definitions/{digest}"), indent=2, ensure_ascii=False))


@definition.command("flowchart")
@click.argument("digest")
def draw_definition(digest: str) -> None:
    """The flowchart of one version of an SOP as SVG; `sop flowchart FILE` draws a file's, without a service."""
    click.echo(connect().read_bytes(f"/api/v1/definitions/{digest}/flowchart"), nl=False)


@definition.command("register")
@click.argument("file", type=click.Path(path_type=Path))
def register_definition(file: Path) -> None:
    """Register a TOML file as a new version; `sop check FILE` looks at it first, without a service."""
    try:
        text = file.read_bytes()
    except OSError as exc:
        raise NotFound("file_not_found", f"Cannot read {file}: {exc.strerror}. Check the name.") from exc
    headers = {"Content-Type": "application/toml"}
    made = connect().call("POST", "/api/v1/definitions", content=text, headers=headers)
    click.echo(f"{made['key']} version {made['version']}  sha256 {made['digest']}")
