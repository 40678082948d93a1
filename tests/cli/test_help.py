"""The table of commands, and the API's routes that the command line covers."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from archive_service.app import create_app
from archive_service.cli.__main__ import COMMANDS, main
from tests.office import Office

ROUTES = {
    "GET /api/v1/assignments": "person assignments",
    "GET /api/v1/assignments/<id:assignment>": "person assignments",
    "DELETE /api/v1/assignments/<id:assignment>": "person release",
    "GET /api/v1/calendars": "calendar list",
    "GET /api/v1/calendars/<key:calendar>": "calendar definition",
    "GET /api/v1/calendars/<key:calendar>/days": "calendar show",
    "GET /api/v1/calendars/<key:calendar>/due": "calendar due",
    "POST /api/v1/calendars/<key:calendar>/edits": "calendar set-day",
    "GET /api/v1/calendars/<key:calendar>/used": "calendar used",
    "GET /api/v1/calendars/<key:calendar>/versions": "calendar versions",
    "GET /api/v1/attestations": "attestation list",
    "POST /api/v1/attestations": "attestation make",
    "GET /api/v1/attestations/due": "attestation due",
    "GET /api/v1/delegations": "delegation list",
    "POST /api/v1/delegations": "delegation propose",
    "GET /api/v1/delegations/<id:delegation>": "delegation show",
    "POST /api/v1/delegations/<id:delegation>/confirmation": "delegation confirm",
    "POST /api/v1/delegations/<id:delegation>/ending": "delegation end",
    "POST /api/v1/delegations/<id:delegation>/refusal": "delegation decline",
    "POST /api/v1/delegations/<id:delegation>/withdrawal": "delegation withdraw",
    "GET /api/v1/definitions": "definition list",
    "POST /api/v1/definitions": "definition register",
    "GET /api/v1/definitions/<digest:digest>": "definition show",
    "GET /api/v1/definitions/<digest:digest>/flowchart": "definition flowchart",
    "GET /api/v1/deviations": "dossier deviations",
    "GET /api/v1/dossiers": "dossier list",
    "POST /api/v1/dossiers": "dossier open",
    "GET /api/v1/dossiers/<id:dossier>": "dossier show",
    "GET /api/v1/dossiers/<id:dossier>/bundle": "dossier bundle",
    "GET /api/v1/dossiers/<id:dossier>/bundle/metadata": "dossier bundle",
    "POST /api/v1/dossiers/<id:dossier>/cancellation": "dossier cancel",
    "POST /api/v1/dossiers/<id:dossier>/cancellation/confirmation": "dossier cancel",
    "GET /api/v1/dossiers/<id:dossier>/decisions": "dossier decisions",
    "GET /api/v1/dossiers/<id:dossier>/deviations": "dossier deviations",
    "GET /api/v1/dossiers/<id:dossier>/deviations/<id:deviation>": "dossier deviations",
    "POST /api/v1/dossiers/<id:dossier>/deviations/<id:deviation>/explanations": "dossier explain",
    "POST /api/v1/dossiers/<id:dossier>/deviations/<id:deviation>/explanations/<seq:number>/answer": "dossier answer",
    "POST /api/v1/dossiers/<id:dossier>/pauses/<id:pause>/end": "dossier resume",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/exceptions": "dossier except",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/pauses": "dossier pause",
    "POST /api/v1/dossiers/<id:dossier>/verdicts/again": "dossier judge-again",
    "POST /api/v1/dossiers/<id:dossier>/deviations/<id:deviation>/attachments": "attachment send",
    "PUT /api/v1/dossiers/<id:dossier>/documents/<id:document>/paper": "paper record",
    "GET /api/v1/dossiers/<id:dossier>/steps/<key:step>/forms/<key:form>": "form show",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/forms/<key:form>": "form fill",
    "GET /api/v1/dossiers/<id:dossier>/documents": "dossier documents",
    "GET /api/v1/dossiers/<id:dossier>/documents/<id:version>": "dossier documents",
    "GET /api/v1/dossiers/<id:dossier>/documents/<id:version>/content": "dossier download",
    "POST /api/v1/dossiers/<id:dossier>/documents/<id:version>/withdrawal": "dossier withdraw",
    "GET /api/v1/dossiers/<id:dossier>/events": "event list",
    "GET /api/v1/dossiers/<id:dossier>/events/<seq:seq>": "event list",
    "GET /api/v1/dossiers/<id:dossier>/events/<seq:seq>/proof": "event proof",
    "GET /api/v1/dossiers/<id:dossier>/events/<seq:seq>/tlog-proof": "event proof-file",
    "GET /api/v1/dossiers/<id:dossier>/events/proofs": "event proofs",
    "GET /api/v1/log/consistency": "log consistency",
    "GET /api/v1/dossiers/<id:dossier>/jobs": "job list",
    "GET /api/v1/dossiers/<id:dossier>/steps": "dossier steps",
    "GET /api/v1/dossiers/<id:dossier>/steps/<key:step>": "dossier steps",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/archiving": "dossier archive",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/decision": "dossier decide",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/decision/preparation": "dossier prepare-decision",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/decision/signature": "dossier sign-decision",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/documents": "dossier upload",
    "PUT /api/v1/dossiers/<id:dossier>/steps/<key:step>/responsible": "dossier hand-over",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/submission": "dossier submit",
    "GET /api/v1/dossiers/<id:dossier>/verdicts": "dossier verdicts",
    "GET /api/v1/dossiers/<id:dossier>/indicators": "indicator list",
    "POST /api/v1/dossiers/<id:dossier>/indicators": "indicator set",
    "POST /api/v1/dossiers/<id:dossier>/indicators/import": "indicator import",
    "POST /api/v1/dossiers/<id:dossier>/indicators/removal": "indicator remove",
    "GET /api/v1/dossiers/<id:dossier>/recommendations": "indicator recommendations",
    "POST /api/v1/dossiers/<id:dossier>/recommendations/<digest:recommendation>/answer": "indicator answer",
    "POST /api/v1/dossiers/<id:dossier>/steps/<key:step>/results": "indicator result",
    "GET /api/v1/indicators": "indicator mine",
    "GET /api/v1/indicators/template.csv": "indicator template",
    "GET /api/v1/indicators/template.xlsx": "indicator template",
    "GET /api/v1/jobs/<id:job>": "job list",
    "GET /api/v1/log/status": "log status",
    "GET /api/v1/me": "token whose",
    "GET /api/v1/findings": "finding list",
    "POST /api/v1/findings": "finding propose",
    "GET /api/v1/findings/<id:finding>": "finding show",
    "POST /api/v1/findings/<id:finding>/action": "finding action",
    "POST /api/v1/findings/<id:finding>/cause": "finding cause",
    "POST /api/v1/findings/<id:finding>/classification": "finding classify",
    "POST /api/v1/findings/<id:finding>/done": "finding done",
    "POST /api/v1/findings/<id:finding>/effect": "finding effect",
    "GET /api/v1/search": "search find",
    "GET /api/v1/search/hits": "search find",
    "GET /api/v1/samples": "sample list",
    "POST /api/v1/samples": "sample draw",
    "GET /api/v1/samples/<id:sample>": "sample show",
    "GET /api/v1/samples/<id:sample>/population": "sample population",
    "POST /api/v1/samples/<id:sample>/results": "sample judge",
    "GET /api/v1/obligations": "obligation list",
    "POST /api/v1/obligations": "obligation set",
    "POST /api/v1/obligations/<id:obligation>/withdrawal": "obligation withdraw",
    "GET /api/v1/work-units/<id:work_unit>/deviations": "obligation missed",
    "POST /api/v1/work-units/<id:work_unit>/deviations/<id:deviation>/explanations": "obligation explain",
    "POST /api/v1/work-units/<id:work_unit>/deviations/<id:deviation>/explanations/<seq:number>/answer": "obligation answer",
    "GET /api/v1/notices": "notices list",
    "POST /api/v1/notices/read": "notices read",
    "POST /api/v1/notices/<id:notice>/read": "notices read",
    "GET /api/v1/people": "person list",
    "POST /api/v1/people": "person register",
    "GET /api/v1/people/<id:person>": "person list",
    "POST /api/v1/people/<id:person>/assignments": "person assign",
    "GET /api/v1/quality/export": "quality export",
    "GET /api/v1/quality/overdue": "quality overdue",
    "GET /api/v1/quality/runs": "quality runs",
    "GET /api/v1/quality/summary": "quality summary",
    "GET /api/v1/quality/unexplained": "quality unexplained",
    "GET /api/v1/passkeys": "passkey list",
    "GET /api/v1/people/<id:person>/passkeys": "passkey list",
    "POST /api/v1/passkeys": "passkey register",
    "POST /api/v1/passkeys/preparations": "passkey prepare",
    "POST /api/v1/passkeys/<digest:passkey>/revocation": "passkey revoke",
    "POST /api/v1/tokens": "token create",
    "GET /api/v1/tokens": "token list",
    "DELETE /api/v1/tokens/<id:token>": "token revoke",
    "GET /api/v1/users": "user list",
    "POST /api/v1/users": "user create",
    "GET /api/v1/users/<id:user>": "user list",
    "PUT /api/v1/users/<id:user>/password": "user password",
    "PUT /api/v1/users/<id:user>/mail": "user mail",
    "PUT /api/v1/own-password": "user own-password",
    "PUT /api/v1/users/<id:user>/validity": "user validity",
    "POST /api/v1/users/<id:user>/reset-links": "user reset-link",
    "DELETE /api/v1/users/<id:user>/sessions": "user end-sessions",
    "DELETE /api/v1/users/<id:user>/authenticator": "user drop-authenticator",
    "POST /api/v1/users/<id:user>/accounts": "user link-account",
    "DELETE /api/v1/users/<id:user>/accounts/<digest:identity>": "user unlink-account",
    "GET /api/v1/sessions": "session list",
    "DELETE /api/v1/sessions/<id:session>": "session end",
    "GET /api/v1/log/audits": "audit list",
    "POST /api/v1/log/audits": "audit start",
    "GET /api/v1/webhooks": "webhook list",
    "POST /api/v1/webhooks": "webhook add",
    "DELETE /api/v1/webhooks/<id:webhook>": "webhook remove",
    "GET /api/v1/work-units": "work-unit list",
    "POST /api/v1/work-units": "work-unit create",
    "GET /api/v1/work-units/<id:work_unit>": "work-unit list",
}
"""Route → the command that does it."""
NO_COMMAND = {"GET /api/v1/openapi.json"}


def find_command(words: str) -> click.Command:
    command: click.Command = main
    for word in words.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None, words
        command = found
    return command


def test_the_command_line_covers_every_route_of_the_api(office: Office) -> None:
    routes = {
        f"{method} {rule}"
        for rule in create_app(office.archive).url_map.iter_rules()
        if str(rule).startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(ROUTES) | NO_COMMAND
    for words in set(ROUTES.values()):
        assert find_command(words).callback is not None


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_line_in_the_help_is_the_commands_own(name: str) -> None:
    command = find_command(name)
    line = COMMANDS[name][1]
    assert (command.help or "").split("\n\n")[0].replace("\n", " ") == line or (command.hidden and line == "")


def test_an_unknown_command_is_named() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "archive_service.cli", "verfy"], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 2 and "No such command 'verfy'" in ran.stderr


def test_verifying_loads_no_web_server_and_no_database() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from archive_service.cli.__main__ import main; "
        "assert CliRunner().invoke(main, ['verify', '--help']).exit_code == 0; "
        "print(sorted({'flask', 'sqlalchemy', 'celery', 'minio'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "[]\n", ran.stderr
