"""Who gets what of every route: for one's own (unit, dossier, log-in, token) and for another's, as the status that comes back.

401 nobody knows you, 403 your role may not, 404 you may not know of it; 409 and 422 mean that the role may, and that the stage of
``test_roles.py`` (a dossier at its third step, section_head's to perform) does not allow it now. A new route is added here, with a
thought for each column.
"""

from __future__ import annotations

from typing import NamedTuple


class Expected(NamedTuple):
    """The status for one's own, and for another's."""

    own: int
    other: int


NO = "403/403"


class Row:
    """What each role gets: every SOP role is a performer unless it is named apart."""

    def __init__(
        self, performer: str, auditor: str, checker: str, administrator: str, nobody: str, **named: str
    ) -> None:
        self._by_role = {
            "auditor": auditor,
            "quality_checker": checker,
            "administrator": administrator,
            "nobody": nobody,
            # whoever is in charge of indicators gets what everybody gets, and of a dossier only what is named apart
            "contributor": NO if administrator == NO else performer,
            **named,
        }
        self._performer = performer

    def of(self, role: str) -> Expected:
        """What the role gets."""
        own, other = self._by_role.get(role, self._performer).split("/")
        return Expected(int(own), int(other))


OK = "200/200"
OUT = "401/401"
TO_LOGIN = "303/303"

PUBLIC = Row(OK, OK, OK, OK, OK)
MEMBERS = Row(OK, OK, OK, OK, OUT)
READERS = Row(OK, OK, OK, NO, OUT)
DOSSIER = Row("200/404", OK, OK, NO, OUT)
BUNDLE = Row("409/404", "409/409", "409/409", NO, OUT)
PEOPLE = Row(NO, OK, NO, OK, OUT)
MANAGED = Row(NO, NO, NO, "201/201", OUT)
UNIT_ACT = Row("204/403", NO, NO, NO, OUT)
STEP_ACT = Row(NO, NO, NO, NO, OUT, section_head="409/403")

IN_DOSSIER = "/api/v1/dossiers/<id:dossier>"
AT_STEP = f"{IN_DOSSIER}/steps/<key:step>"
PAGE = "/dossiers/<dossier>"
DOSSIER_PAGE = Row("200/404", OK, OK, NO, TO_LOGIN)
ADMIN_PAGE = Row(NO, NO, NO, OK, TO_LOGIN)
ADMIN_FORM = Row(NO, NO, NO, "422/422", TO_LOGIN)
PEOPLE_PAGE = Row(NO, OK, NO, OK, TO_LOGIN)
STEP_FORM = Row("403/404", NO, NO, NO, TO_LOGIN, section_head="409/404")

ROUTES: dict[str, Row] = {
    # for everyone
    "GET /livez": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /log/checkpoint": PUBLIC,
    "GET /log/vkey": PUBLIC,
    # of a size that was not signed
    "GET /log/checkpoints/<checkpoint:size>": Row("404/404", "404/404", "404/404", "404/404", "404/404"),
    "GET /log/tile/<tile:tile>": Row(NO, OK, NO, NO, OUT),
    "GET /api/v1/log/consistency": Row("404/404", "404/404", "404/404", "404/404", "404/404"),
    "GET /metrics": PUBLIC,
    "GET /api/v1/openapi.json": PUBLIC,
    "POST /api/v1/tokens": Row("201/201", "201/201", "201/201", "201/201", OUT),
    # whoever has a token
    "GET /api/v1/me": MEMBERS,
    "GET /api/v1/log/status": MEMBERS,
    "GET /api/v1/tokens": MEMBERS,
    "DELETE /api/v1/tokens/<id:token>": Row("204/404", "204/404", "204/404", "204/204", OUT),
    "GET /api/v1/definitions": MEMBERS,
    "GET /api/v1/definitions/<digest:digest>": MEMBERS,
    "GET /api/v1/definitions/<digest:digest>/flowchart": MEMBERS,
    "GET /api/v1/calendars": MEMBERS,
    "GET /api/v1/calendars/<key:calendar>": MEMBERS,
    "GET /api/v1/calendars/<key:calendar>/versions": MEMBERS,
    "GET /api/v1/calendars/<key:calendar>/days": MEMBERS,
    "GET /api/v1/calendars/<key:calendar>/used": MEMBERS,
    "GET /api/v1/calendars/<key:calendar>/due": MEMBERS,
    # an edit of a version that never was: only who may edit learns that
    "POST /api/v1/calendars/<key:calendar>/edits": Row(NO, NO, "409/409", "409/409", OUT),
    "GET /api/v1/work-units": MEMBERS,
    "GET /api/v1/work-units/<id:work_unit>": MEMBERS,
    "GET /api/v1/users/<id:user>": Row("200/403", OK, "200/403", OK, OUT),
    "GET /api/v1/notices": MEMBERS,
    "POST /api/v1/notices/read": MEMBERS,
    # a notice of a step that section_head holds
    "POST /api/v1/notices/<id:notice>/read": Row("404/404", "404/404", "404/404", "404/404", OUT),
    # one's own alone: nobody asks for another's
    "GET /api/v1/passkeys": MEMBERS,
    "POST /api/v1/passkeys/preparations": Row("201/201", "201/201", "201/201", "201/201", OUT),
    # what was never prepared, and one that never was
    "POST /api/v1/passkeys": Row("409/409", "409/409", "409/409", "409/409", OUT),
    "POST /api/v1/passkeys/<digest:passkey>/revocation": Row("404/404", "404/404", "404/404", "404/404", OUT),
    "PUT /api/v1/users/<id:user>/mail": Row("204/403", "204/403", "204/403", "204/204", OUT),
    # one's own password is wrong there: whoever is right about it gets 204
    "PUT /api/v1/own-password": Row(OUT, OUT, OUT, OUT, OUT),
    # sessions are one's own alone
    "GET /api/v1/sessions": MEMBERS,
    "DELETE /api/v1/sessions/<id:session>": Row("404/404", "404/404", "404/404", "404/404", OUT),
    "DELETE /api/v1/users/<id:user>/sessions": Row("200/403", "200/403", "200/403", "200/200", OUT),
    "PUT /api/v1/users/<id:user>/validity": Row(NO, NO, NO, "409/204", OUT),
    "POST /api/v1/users/<id:user>/reset-links": Row(NO, NO, NO, "201/201", OUT),
    # one's own goes away on the page; the other has none
    "DELETE /api/v1/users/<id:user>/authenticator": Row(NO, NO, NO, "403/409", OUT),
    # no provider is configured: only who may link learns that
    "POST /api/v1/users/<id:user>/accounts": Row(NO, NO, NO, "409/409", OUT),
    "DELETE /api/v1/users/<id:user>/accounts/<digest:identity>": Row("404/404", "404/404", "404/404", "404/404", OUT),
    "PUT /api/v1/users/<id:user>/password": Row("204/403", "204/403", "204/403", "204/204", OUT),
    # what administrators look after
    "GET /api/v1/people": PEOPLE,
    "GET /api/v1/people/<id:person>": PEOPLE,
    "GET /api/v1/people/<id:person>/passkeys": PEOPLE,
    "GET /api/v1/users": PEOPLE,
    "GET /api/v1/assignments": PEOPLE,
    "GET /api/v1/assignments/<id:assignment>": PEOPLE,
    # who acts for whom: performers know of the delegations of their unit, and of no others
    "GET /api/v1/delegations": MEMBERS,
    "GET /api/v1/delegations/<id:delegation>": Row("200/404", OK, OK, OK, OUT),
    # one's own role; that of the head of the SAKIP team is for a superior or an administrator, and office roles are not delegated
    "POST /api/v1/delegations": Row(
        "201/403", "409/403", "409/403", "409/201", OUT, section_head="201/201", contributor="409/403"
    ),
    # section_head proposed it, for sakip_team to act from June on
    "POST /api/v1/delegations/<id:delegation>/confirmation": Row(
        "403/404", NO, NO, "201/201", OUT, sakip_team="201/404", satker_head="201/404"
    ),
    "POST /api/v1/delegations/<id:delegation>/ending": Row(
        "403/404", NO, NO, "204/204", OUT, section_head="409/404", satker_head="204/404"
    ),
    "POST /api/v1/delegations/<id:delegation>/refusal": Row(
        "403/404", NO, NO, "409/409", OUT, sakip_team="409/404", satker_head="409/404"
    ),
    "POST /api/v1/delegations/<id:delegation>/withdrawal": Row(
        "403/404", NO, NO, "409/409", OUT, section_head="204/404"
    ),
    # whoever contributes performs no step
    "GET /api/v1/attestations": Row(OK, OK, OK, OK, OUT, contributor=NO),
    "GET /api/v1/attestations/due": MEMBERS,
    "POST /api/v1/attestations": Row("201/404", NO, NO, NO, OUT),
    "POST /api/v1/people": MANAGED,
    "POST /api/v1/people/<id:person>/assignments": MANAGED,
    "POST /api/v1/users": MANAGED,
    "POST /api/v1/work-units": MANAGED,
    "GET /api/v1/log/audits": Row(NO, OK, NO, OK, OUT),
    "POST /api/v1/log/audits": Row(NO, "204/204", NO, "204/204", OUT),
    "GET /api/v1/webhooks": Row(NO, NO, NO, OK, OUT),
    "POST /api/v1/webhooks": MANAGED,
    "DELETE /api/v1/webhooks/<id:webhook>": Row(NO, NO, NO, "404/404", OUT),
    # a text that is no definition: only who may register one learns what is wrong with it
    "POST /api/v1/definitions": Row(NO, NO, NO, "422/422", OUT),
    # the last administrator cannot end their own role
    "DELETE /api/v1/assignments/<id:assignment>": Row(NO, NO, NO, "409/204", OUT),
    # dossiers: performers read those of their unit, and learn not even that there are others
    "GET /api/v1/dossiers": READERS,
    "GET /api/v1/deviations": READERS,
    "GET /api/v1/quality/summary": READERS,
    "GET /api/v1/quality/overdue": READERS,
    "GET /api/v1/quality/unexplained": READERS,
    "GET /api/v1/quality/runs": READERS,
    "GET /api/v1/quality/export": READERS,
    f"GET {IN_DOSSIER}": DOSSIER,
    f"GET {IN_DOSSIER}/steps": DOSSIER,
    f"GET {AT_STEP}": DOSSIER,
    f"GET {IN_DOSSIER}/documents": DOSSIER,
    f"GET {IN_DOSSIER}/documents/<id:version>": DOSSIER,
    # a contributor reads what they sent themselves: this is somebody else's
    f"GET {IN_DOSSIER}/documents/<id:version>/content": Row("200/404", OK, OK, NO, OUT, contributor="404/404"),
    f"GET {IN_DOSSIER}/decisions": DOSSIER,
    f"GET {IN_DOSSIER}/verdicts": DOSSIER,
    f"GET {IN_DOSSIER}/deviations": DOSSIER,
    f"GET {IN_DOSSIER}/deviations/<id:deviation>": DOSSIER,
    f"GET {IN_DOSSIER}/indicators": Row("200/404", OK, OK, NO, OUT, contributor="200/404"),
    f"GET {IN_DOSSIER}/recommendations": DOSSIER,
    "GET /api/v1/indicators": Row(OK, OK, OK, NO, OUT, contributor=OK),
    "GET /api/v1/indicators/template.csv": MEMBERS,
    "GET /api/v1/indicators/template.xlsx": MEMBERS,
    f"GET {IN_DOSSIER}/events": DOSSIER,
    f"GET {IN_DOSSIER}/events/<seq:seq>": DOSSIER,
    f"GET {IN_DOSSIER}/events/<seq:seq>/proof": DOSSIER,
    f"GET {IN_DOSSIER}/events/<seq:seq>/tlog-proof": DOSSIER,
    f"GET {IN_DOSSIER}/events/proofs": DOSSIER,
    f"GET {IN_DOSSIER}/jobs": DOSSIER,
    "GET /api/v1/jobs/<id:job>": DOSSIER,
    f"GET {IN_DOSSIER}/bundle": BUNDLE,
    f"GET {IN_DOSSIER}/bundle/metadata": BUNDLE,
    "GET /api/v1/search": MEMBERS,
    "GET /api/v1/search/hits": MEMBERS,
    "GET /api/v1/samples": Row(NO, OK, NO, NO, OUT),
    "POST /api/v1/samples": Row(NO, "201/201", NO, NO, OUT),
    # a sample that there is not
    "GET /api/v1/samples/<id:sample>": Row(NO, "404/404", NO, NO, OUT),
    "GET /api/v1/samples/<id:sample>/population": Row(NO, "404/404", NO, NO, OUT),
    "POST /api/v1/samples/<id:sample>/results": Row(NO, "404/404", NO, NO, OUT),
    "GET /api/v1/obligations": Row(OK, OK, OK, OK, OUT, contributor=NO),
    "POST /api/v1/obligations": Row(NO, NO, "201/201", "201/201", OUT),
    "POST /api/v1/obligations/<id:obligation>/withdrawal": Row(NO, NO, "404/404", "404/404", OUT),
    "GET /api/v1/work-units/<id:work_unit>/deviations": Row("200/404", OK, OK, OK, OUT, contributor=NO),
    "POST /api/v1/work-units/<id:work_unit>/deviations/<id:deviation>/explanations": Row(
        "404/403", NO, NO, NO, OUT, contributor=NO
    ),
    "POST /api/v1/work-units/<id:work_unit>/deviations/<id:deviation>/explanations/<seq:number>/answer": Row(
        "404/403", NO, "404/404", NO, OUT, contributor=NO
    ),
    "GET /api/v1/findings": Row(OK, OK, OK, NO, OUT, contributor=NO),
    "GET /api/v1/findings/<id:finding>": Row("404/404", "404/404", "404/404", NO, OUT, contributor=NO),
    "POST /api/v1/findings": Row(NO, "201/201", "201/201", NO, OUT),
    "POST /api/v1/findings/<id:finding>/classification": Row("404/404", "404/404", "404/404", "404/404", OUT),
    "POST /api/v1/findings/<id:finding>/cause": Row("404/404", "404/404", "404/404", "404/404", OUT),
    "POST /api/v1/findings/<id:finding>/action": Row("404/404", "404/404", "404/404", "404/404", OUT),
    "POST /api/v1/findings/<id:finding>/done": Row("404/404", "404/404", "404/404", "404/404", OUT),
    "POST /api/v1/findings/<id:finding>/effect": Row("404/404", "404/404", "404/404", "404/404", OUT),
    # acts
    "POST /api/v1/dossiers": Row("201/403", NO, NO, NO, OUT),
    f"POST {IN_DOSSIER}/cancellation": UNIT_ACT,
    # confirmed by a second person: the first asked just now
    f"POST {IN_DOSSIER}/cancellation/confirmation": Row(NO, NO, NO, NO, OUT),
    f"POST {IN_DOSSIER}/deviations/<id:deviation>/explanations": Row(NO, NO, NO, NO, OUT, section_head="201/403"),
    # the head of the satker accepts what the section head explains; the head's own explanations are the quality checker's
    f"POST {IN_DOSSIER}/deviations/<id:deviation>/explanations/<seq:number>/answer": Row(
        NO, NO, "403/409", NO, OUT, satker_head="409/403"
    ),
    f"POST {AT_STEP}/pauses": Row(NO, NO, NO, NO, OUT, satker_head="201/403"),
    f"POST {IN_DOSSIER}/pauses/<id:pause>/end": Row("404/403", NO, "404/404", NO, OUT),
    # nobody is barred from the step that runs
    f"POST {AT_STEP}/exceptions": Row(NO, NO, NO, NO, OUT, satker_head="409/403"),
    f"POST {IN_DOSSIER}/verdicts/again": Row(NO, NO, "409/409", NO, OUT),
    # its step is submitted: the one who performed it may withdraw nothing any more
    f"POST {IN_DOSSIER}/documents/<id:version>/withdrawal": Row(NO, NO, NO, NO, OUT, satker_head="409/403"),
    # the running step's performer is told which fields are missing; elsewhere there is no such form
    f"GET {AT_STEP}/forms/<key:form>": DOSSIER,
    f"POST {AT_STEP}/forms/<key:form>": Row(NO, NO, NO, NO, OUT, section_head="422/403"),
    f"POST {IN_DOSSIER}/deviations/<id:deviation>/attachments": Row(NO, NO, NO, NO, OUT, section_head="201/403"),
    f"PUT {IN_DOSSIER}/documents/<id:document>/paper": UNIT_ACT,
    f"POST {AT_STEP}/submission": STEP_ACT,
    f"POST {AT_STEP}/decision": STEP_ACT,
    f"POST {AT_STEP}/decision/preparation": STEP_ACT,
    # who may decide at all is told that nothing was prepared
    f"POST {AT_STEP}/decision/signature": Row("409/403", NO, NO, NO, OUT, contributor=NO),
    f"POST {AT_STEP}/archiving": STEP_ACT,
    f"POST {AT_STEP}/documents": Row(NO, NO, NO, NO, OUT, section_head="422/403"),
    # any performer of the unit looks after the list; a dossier at step 3 records no results yet
    f"POST {IN_DOSSIER}/indicators": Row("201/403", NO, NO, NO, OUT),
    f"POST {IN_DOSSIER}/indicators/import": Row("201/403", NO, NO, NO, OUT),
    f"POST {IN_DOSSIER}/indicators/removal": Row("204/403", NO, NO, NO, OUT),
    f"POST {IN_DOSSIER}/recommendations/<digest:recommendation>/answer": Row("404/403", NO, NO, NO, OUT),
    f"POST {AT_STEP}/results": Row(NO, NO, NO, NO, OUT, section_head="422/403"),
    # leaders hand a step over; the head of the satker does not hold its role
    f"PUT {AT_STEP}/responsible": Row(NO, NO, NO, NO, OUT, section_head="204/403", satker_head="422/403"),
    # pages: whoever is not logged in is sent to the log-in
    "GET /": Row(OK, TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN, contributor=TO_LOGIN),
    "GET /dossiers": Row(OK, OK, OK, NO, TO_LOGIN),
    "GET /obligations": Row(OK, OK, OK, OK, TO_LOGIN, contributor=NO),
    "POST /obligations": Row(NO, NO, "422/422", "422/422", TO_LOGIN),
    "POST /obligations/<work_unit>/<deviation>/explanation": Row("404/403", NO, NO, NO, TO_LOGIN, contributor=NO),
    "POST /obligations/<work_unit>/<deviation>/answer": Row("404/403", NO, "404/404", NO, TO_LOGIN, contributor=NO),
    "GET /findings": Row(OK, OK, OK, NO, TO_LOGIN, contributor=NO),
    "GET /findings/new": Row(NO, OK, OK, NO, TO_LOGIN),
    "POST /findings": Row(NO, "422/422", "422/422", NO, TO_LOGIN),
    "GET /findings/<finding>": Row("404/404", "404/404", "404/404", NO, TO_LOGIN, contributor=NO),
    "POST /findings/<finding>/<step>": Row("303/303", "303/303", "303/303", "303/303", TO_LOGIN),
    "GET /sops": Row(OK, OK, OK, OK, TO_LOGIN),
    "GET /sops/<digest>": Row(OK, OK, OK, OK, TO_LOGIN),
    "GET /calendars": Row(OK, OK, OK, OK, TO_LOGIN),
    # a form without its fields: who may edit is told what is missing
    "POST /calendars/<calendar>/edits": Row(NO, NO, "422/422", "422/422", TO_LOGIN),
    "GET /audits": Row(NO, OK, NO, OK, TO_LOGIN),
    "POST /audits": Row(NO, TO_LOGIN, NO, TO_LOGIN, TO_LOGIN),
    "GET /quality": Row(OK, OK, OK, NO, TO_LOGIN),
    "GET /quality/deviations": Row(OK, OK, OK, NO, TO_LOGIN),
    "GET /quality/runs": Row(OK, OK, OK, NO, TO_LOGIN),
    "GET /quality/export": Row(OK, OK, OK, NO, TO_LOGIN),
    # administration: pages of who looks after the house; auditors read who is who, quality checkers open quarters
    "GET /admin": ADMIN_PAGE,
    "GET /admin/unit": ADMIN_PAGE,
    "GET /admin/orang": PEOPLE_PAGE,
    "GET /admin/orang/<person>": PEOPLE_PAGE,
    "GET /admin/akun": PEOPLE_PAGE,
    "GET /admin/sop": ADMIN_PAGE,
    "GET /admin/sop/periksa": ADMIN_PAGE,
    "GET /admin/sop/beda": ADMIN_PAGE,
    "GET /admin/sop/<digest>/pemakaian": ADMIN_PAGE,
    "GET /admin/kewajiban": Row(NO, NO, OK, OK, TO_LOGIN),
    "GET /admin/retensi": ADMIN_PAGE,
    "GET /admin/retensi/periksa": ADMIN_PAGE,
    # an SOP is no schedule
    "GET /admin/retensi/<digest>": Row(NO, NO, NO, "404/404", TO_LOGIN),
    "GET /admin/token": ADMIN_PAGE,
    "GET /admin/webhook": ADMIN_PAGE,
    "GET /admin/saksi": ADMIN_PAGE,
    # a job that is done
    "POST /admin/pekerjaan/<job>/ulang": Row(NO, NO, NO, "409/409", TO_LOGIN),
    # forms without their fields
    "POST /admin/unit": ADMIN_FORM,
    "POST /admin/orang": ADMIN_FORM,
    "POST /admin/orang/<person>/penugasan": ADMIN_FORM,
    "POST /admin/orang/<person>/penugasan/<assignment>/akhir": ADMIN_FORM,
    "POST /admin/orang/<person>/akun": ADMIN_FORM,
    # an act that there is not
    "POST /admin/orang/<person>/akun/<user>/<what>": Row(NO, NO, NO, "404/404", TO_LOGIN),
    "POST /admin/sop": ADMIN_FORM,
    "POST /admin/sop/periksa": ADMIN_FORM,
    "POST /admin/retensi": ADMIN_FORM,
    "POST /admin/retensi/periksa": ADMIN_FORM,
    "POST /admin/kewajiban": Row(NO, NO, "422/422", "422/422", TO_LOGIN),
    "POST /admin/kewajiban/<obligation>/tarik": Row(NO, NO, "422/422", "422/422", TO_LOGIN),
    "POST /admin/token/<token>/cabut": Row(NO, NO, NO, TO_LOGIN, TO_LOGIN),
    "POST /admin/webhook": ADMIN_FORM,
    "POST /admin/webhook/<webhook>/hapus": Row(NO, NO, NO, "404/404", TO_LOGIN),
    "GET /dossiers/new": Row(OK, NO, NO, NO, TO_LOGIN),
    f"GET {PAGE}": DOSSIER_PAGE,
    # a contributor reads what they sent themselves: this is somebody else's
    f"GET {PAGE}/documents/<version>": Row("200/404", OK, OK, NO, TO_LOGIN, contributor="404/404"),
    f"GET {PAGE}/documents/<version>/receipt": Row("200/404", OK, OK, NO, TO_LOGIN, contributor="404/404"),
    f"GET {PAGE}/pulse": DOSSIER_PAGE,
    # whoever sends documents asks for their own alone; auditors and quality checkers send none
    f"GET {PAGE}/uploads": Row("200/404", NO, NO, NO, TO_LOGIN, contributor="200/404"),
    f"GET {PAGE}/uploads/<upload>": Row("404/404", "404/404", "404/404", "404/404", TO_LOGIN),
    # without the protocol's headers
    f"POST {PAGE}/steps/<step>/uploads": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    f"PATCH {PAGE}/uploads/<upload>": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    f"DELETE {PAGE}/uploads/<upload>": Row("404/404", "404/404", "404/404", "404/404", TO_LOGIN),
    # the stage's step is submitted and not decided: everybody is led to its place on the page
    f"GET {PAGE}/steps/<step>/review": Row("303/404", "303/303", "303/303", NO, TO_LOGIN),
    f"GET {PAGE}/documents/<document>/versions": Row("200/404", OK, OK, NO, TO_LOGIN),
    f"GET {PAGE}/documents/<version>/preview": Row("200/404", OK, OK, NO, TO_LOGIN, contributor="404/404"),
    f"GET {PAGE}/proofs": DOSSIER_PAGE,
    f"GET {PAGE}/proofs/<int:seq>": DOSSIER_PAGE,
    f"GET {PAGE}/bundle": Row("409/404", "409/409", "409/409", NO, TO_LOGIN),
    f"GET {PAGE}/bundle/progress": DOSSIER_PAGE,
    # a form without its fields: who may open a dossier is told what is missing
    "POST /dossiers": Row("422/422", NO, NO, NO, TO_LOGIN),
    f"POST {PAGE}/deviations/<deviation>/explanation": STEP_FORM,
    f"POST {PAGE}/deviations/<deviation>/answer": Row("403/404", NO, "403/409", NO, TO_LOGIN, satker_head="409/404"),
    f"POST {PAGE}/steps/<step>/pause": Row("403/404", NO, "403/403", NO, TO_LOGIN, satker_head="409/404"),
    f"POST {PAGE}/pauses/<pause>/end": Row("404/404", NO, "404/404", NO, TO_LOGIN),
    f"POST {PAGE}/verdicts/again": Row("403/404", NO, "409/409", NO, TO_LOGIN),
    f"POST {PAGE}/steps/<step>/exception": Row("422/404", "422/422", "422/422", NO, TO_LOGIN),
    f"POST {PAGE}/documents/<version>/withdrawal": Row("403/404", NO, NO, NO, TO_LOGIN, satker_head="409/404"),
    f"POST {PAGE}/steps/<step>/forms/<form>": Row("403/404", NO, NO, NO, TO_LOGIN, section_head="422/404"),
    # a form without its choice: that is said first, to whoever may read the dossier
    f"POST {PAGE}/documents/<document>/paper": Row("422/404", "422/422", "422/422", NO, TO_LOGIN),
    f"POST {PAGE}/steps/<step>/submission": STEP_FORM,
    f"POST {PAGE}/steps/<step>/decision": STEP_FORM,
    f"POST {PAGE}/steps/<step>/decision/preparation": Row("403/403", NO, NO, NO, TO_LOGIN, section_head="409/403"),
    f"POST {PAGE}/steps/<step>/archiving": STEP_FORM,
    f"POST {PAGE}/steps/<step>/documents": Row(NO, NO, NO, NO, TO_LOGIN, section_head="422/403"),
    # an upload form without a file: that is said first, to whoever may read the dossier
    f"POST {PAGE}/steps/<step>/documents/form": Row("422/404", "422/422", "422/422", NO, TO_LOGIN),
    "GET /delegations": Row(OK, OK, OK, OK, TO_LOGIN),
    # a form without its fields, as of somebody whose own role is no role of an SOP
    "POST /delegations": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    # what the API answered before is answered
    "POST /delegations/<delegation>/confirmation": Row(
        "403/404", NO, NO, "409/409", TO_LOGIN, sakip_team="409/404", satker_head="409/404"
    ),
    "POST /delegations/<delegation>/ending": Row(
        "403/404", NO, NO, "409/409", TO_LOGIN, section_head="409/404", satker_head="409/404"
    ),
    "POST /delegations/<delegation>/refusal": Row(
        "403/404", NO, NO, "409/409", TO_LOGIN, sakip_team="409/404", satker_head="409/404"
    ),
    "POST /delegations/<delegation>/withdrawal": Row("403/404", NO, NO, "409/409", TO_LOGIN, section_head="409/404"),
    "POST /attestations": Row("409/404", NO, NO, NO, TO_LOGIN),
    "GET /indicators": Row(OK, OK, OK, NO, TO_LOGIN, contributor=OK),
    "GET /indicators/template/<kind>": Row(OK, OK, OK, OK, TO_LOGIN),
    # a form without a file: that is said first, on a page that whoever reads indicators has
    "POST /indicators/<dossier>/documents": Row("422/422", "422/422", "422/422", NO, TO_LOGIN, contributor="422/422"),
    "POST /indicators/<dossier>/documents/<version>/withdrawal": Row(
        NO, NO, NO, NO, TO_LOGIN, contributor=NO, satker_head="409/403"
    ),
    # forms without their fields
    f"POST {PAGE}/indicators": Row("422/404", NO, NO, NO, TO_LOGIN),
    f"POST {PAGE}/indicators/import": Row("422/404", "422/422", "422/422", NO, TO_LOGIN),
    f"POST {PAGE}/indicators/removal": Row("422/404", "422/422", "422/422", NO, TO_LOGIN),
    f"POST {PAGE}/steps/<step>/results": Row("422/404", "422/422", "422/422", NO, TO_LOGIN),
    f"POST {PAGE}/recommendations/<recommendation>/answer": Row("422/404", "422/422", "422/422", NO, TO_LOGIN),
    # it leads to the dossier's page, which says who may read it
    f"GET {PAGE}/steps/<step>": Row(TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN),
    "GET /notices": Row(OK, OK, OK, OK, TO_LOGIN),
    # a form that names no notice
    "POST /notices/read": Row(TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN),
    # where the page of one's own log-in was before
    "GET /settings": Row(TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN),
    "GET /akun": Row(OK, OK, OK, OK, TO_LOGIN),
    "POST /akun/surel": Row(TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN),
    # no mail is sent here
    "POST /akun/surel/tautan": Row("409/409", "409/409", "409/409", "409/409", TO_LOGIN),
    "POST /akun/sesi/<session>/akhiri": Row("404/404", "404/404", "404/404", "404/404", TO_LOGIN),
    "POST /akun/sesi/akhiri": Row(TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN),
    # the API revoked one's own before; another's is an administrator's to end
    "POST /akun/token/<token>/cabut": Row("303/404", "303/404", "303/404", "303/303", TO_LOGIN),
    # no provider is configured
    "POST /akun/akun-lembaga": Row("404/404", "404/404", "404/404", "404/404", TO_LOGIN),
    "POST /akun/akun-lembaga/<identity>/lepas": Row("404/404", "404/404", "404/404", "404/404", TO_LOGIN),
    "GET /akun/faktor-kedua": Row(OK, OK, OK, OK, TO_LOGIN),
    # forms without their fields
    "POST /akun/faktor-kedua": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    "POST /akun/faktor-kedua/konfirmasi": Row("409/409", "409/409", "409/409", "409/409", TO_LOGIN),
    "POST /akun/faktor-kedua/kode": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    "POST /akun/faktor-kedua/hapus": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    "GET /settings/passkeys": Row(OK, OK, OK, OK, TO_LOGIN),
    # forms without their fields
    "POST /settings/passkeys": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    "POST /settings/passkeys/preparation": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    "POST /settings/passkeys/<passkey>/revocation": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    "GET /password": Row(OK, OK, OK, OK, TO_LOGIN),
    "POST /password": Row("422/422", "422/422", "422/422", "422/422", TO_LOGIN),
    "GET /login": Row(TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN, OK),
    # whoever is logged in has the form token of their session, and this form takes a visitor's
    "POST /login": Row(NO, NO, NO, NO, OUT),
    # nothing waits for a second factor
    "GET /login/kode": Row(TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN),
    "POST /login/kode": Row(NO, NO, NO, NO, OUT),
    "POST /login/kode/kunci": Row(NO, NO, NO, NO, OUT),
    "POST /login/kunci": Row(NO, NO, NO, NO, OUT),
    "POST /login/kunci/persiapan": Row(NO, NO, NO, NO, OK),
    # no provider is configured
    "POST /login/oidc": Row(NO, NO, NO, NO, "404/404"),
    "GET /login/oidc/kembali": Row("404/404", "404/404", "404/404", "404/404", "404/404"),
    "GET /lupa-sandi": PUBLIC,
    "POST /lupa-sandi": PUBLIC,
    # links that nobody made
    "GET /sandi-baru/<secret>": Row("409/409", "409/409", "409/409", "409/409", "409/409"),
    "POST /sandi-baru/<secret>": Row("409/409", "409/409", "409/409", "409/409", "409/409"),
    "GET /surel/<secret>": Row("409/409", "409/409", "409/409", "409/409", "409/409"),
    "POST /surel/<secret>": Row("409/409", "409/409", "409/409", "409/409", "409/409"),
    "POST /logout": Row(TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN, TO_LOGIN),
    "GET /verify.py": Row(OK, OK, OK, OK, OK),
    "GET /verify.py.sha256": Row(OK, OK, OK, OK, OK),
    "GET /segel": Row(OK, OK, OK, OK, TO_LOGIN),
    "GET /segel/bandingkan": Row(OK, OK, OK, OK, TO_LOGIN),
    # an empty note: that is an outcome too
    "POST /segel/bandingkan": Row(OK, OK, OK, OK, TO_LOGIN),
    # everybody searches what they may read: tests/services/test_search.py
    "GET /cari": Row(OK, OK, OK, OK, TO_LOGIN),
    # the auditor's own
    "GET /audit": Row(NO, OK, NO, NO, TO_LOGIN),
    "GET /audit/dibaca": Row(NO, OK, NO, NO, TO_LOGIN),
    # the log-in's own beginning is no read
    "GET /audit/dibaca/<int:seq>": Row(NO, "404/404", NO, NO, TO_LOGIN),
    "GET /audit/dossiers/<dossier>": Row(NO, OK, NO, NO, TO_LOGIN),
    "GET /audit/dossiers/<dossier>/periksa": Row(NO, OK, NO, NO, TO_LOGIN),
    "GET /sampel": Row(NO, OK, NO, NO, TO_LOGIN),
    # forms without their fields, and a sample that there is not
    "POST /sampel": Row(NO, "422/422", NO, NO, TO_LOGIN),
    "GET /sampel/<sample>": Row(NO, "404/404", NO, NO, TO_LOGIN),
    "POST /sampel/<sample>/<dossier>": Row(NO, "404/404", NO, NO, TO_LOGIN),
    "GET /sampel/<sample>/population.txt": Row(NO, "404/404", NO, NO, TO_LOGIN),
    "GET /sampel/<sample>/export": Row(NO, "404/404", NO, NO, TO_LOGIN),
    # nothing in the guides is secret; a guide and a picture that there are not
    "GET /bantuan": PUBLIC,
    "GET /bantuan/<guide>": Row("404/404", "404/404", "404/404", "404/404", "404/404"),
    "GET /bantuan/gambar/<name>": Row("404/404", "404/404", "404/404", "404/404", "404/404"),
    "GET /periksa": Row(OK, OK, OK, OK, OK),
    "GET /periksa.sha256": Row(OK, OK, OK, OK, OK),
    # a name that no file has
    "GET /static/<digest>/<path:name>": Row("404/404", "404/404", "404/404", "404/404", "404/404"),
}
