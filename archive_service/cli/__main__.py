"""``archive-service``: run, demo, verify and look after the archive."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from archive_service import __version__
from archive_service.errors import ArchiveError, InvalidDefinition

COMMANDS = {
    "run": ("running", "Start the whole service in one process tree; by default on SQLite and a folder."),
    "demo": (
        "running",
        "Play a whole SOP-SPMI-601 dossier over HTTP, verify its bundle, show how a changed byte is refused.",
    ),
    "serve-demo": ("running", ""),
    "verify": (
        "checking",
        "Verify a bundle offline: exit 0 valid, 1 discrepancies, 2 no bundle at all, 3 consistent but issuer not confirmed.",
    ),
    "verifier": (
        "checking",
        "Write the verifier as one file, verify.py, and print its SHA-256: publish that where nobody here can change it.",
    ),
    "obligation": ("client_units", "What work units owe each period."),
    "finding": ("client_units", "Findings of audits."),
    "search": ("client_auditors", "Search dossiers, documents, events and people."),
    "sample": ("client_auditors", "Random samples of dossiers, for auditors."),
    "sop": ("checking", "SOPs and calendars as data."),
    "calendar": (
        "calendars",
        "Working calendars: what an interval counts, when a limit is due, which days are closed.",
    ),
    "log": ("logbook", "The audit log."),
    "witness": (
        "vouching",
        "Follow logs and cosign what continues what was seen before (C2SP tlog-witness), for another institution or an auditor.",
    ),
    "keys": ("vouching", "The keys of log and receipts: made, listed, changed."),
    "store": ("stores", "Where objects lie: a folder, or a bucket on S3."),
    "init": (
        "production",
        "Make the secrets of a new installation in FOLDER: .env for docker compose, and the two key files.",
    ),
    "db": ("production", "The database."),
    "setup": (
        "production",
        "Begin the archive: keys, definitions, the top work unit and one administrator; a second time changes nothing.",
    ),
    "web": ("production", "Serve pages and API alone; jobs and log have processes of their own."),
    "health": (
        "production",
        "Look at everything that the service needs: exit 0 when it can do its work, 1 with what is missing.",
    ),
    "dossier": ("client", "Dossiers of a running service (ARCHIVE_URL, ARCHIVE_TOKEN)."),
    "form": ("client_documents", "Forms that the service makes a PDF of."),
    "attachment": ("client_documents", "Attachments of explanations."),
    "paper": ("client_documents", "Originals on paper: whether there are any, and where they lie."),
    "indicator": ("client_indicators", "Indicators of a dossier: the list, results, recommendations."),
    "event": ("client", "Events of a dossier, and proofs that they are in the log."),
    "job": ("client", "What the service does for a dossier afterwards."),
    "quality": ("client_quality", "Quality across dossiers: on time, complete, overdue, unexplained."),
    "definition": ("client", "SOPs and calendars of a running service."),
    "person": ("client_people", "People, for administrators and auditors."),
    "delegation": ("client_people", "Who acts for whom (Pelimpahan, Plh./Plt.)."),
    "attestation": ("client_people", "Attestations of an SOP's qualifications and first warning."),
    "user": ("client_people", "Log-ins of people."),
    "work-unit": ("client_people", "Work units."),
    "notices": ("client_notices", "What you are told: steps that became yours, reminders."),
    "audit": ("client_notices", "Audits of the whole archive, for auditors and administrators."),
    "webhook": ("client_notices", "Addresses that are told of notices, for administrators."),
    "token": ("client_people", "API tokens."),
    "session": ("client_people", "Browsers in which you are logged in."),
    "passkey": ("client_passkeys", "Passkeys, which sign decisions."),
}
"""Command → the module of this package that holds it, and its line in the help; an empty line hides it."""


class Commands(click.Group):
    """Commands that are loaded when they are asked for: verifying a bundle waits for no database and no web server.

    Errors of the service become one sentence and exit code 2; bugs keep their traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded now."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"archive_service.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help, from the table alone."""
        rows = [(name, line) for name, (_, line) in COMMANDS.items() if line]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except InvalidDefinition as exc:
            for problem in exc.problems:
                click.echo(f"{problem.place}: {problem.message}", err=True)
            click.echo(f"{len(exc.problems)} problem(s) found; nothing was changed.", err=True)
            ctx.exit(2)
        except ArchiveError as exc:
            click.echo(f"{exc.detail} [{exc.code}]", err=True)
            ctx.exit(2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Archive and audit service for documents of public procedures."""


if __name__ == "__main__":
    main()
