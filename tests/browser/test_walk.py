"""Every page, as everybody who has something of their own on it: for whoever has a phone, a keyboard, a screen reader, or no scripts.

The pages are those of ``tests/api/roles.py``: one that is not walked to, and not said to be no page, fails.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import html5lib
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, Route, expect
from sqlalchemy import select

from archive_service.cli.sample_people import LETTERS, SAMPLE_UNITS
from archive_service.cli.sample_year import SampleOffice
from archive_service.db.models import DocumentVersionRow
from archive_service.services import audit, findings, reading, retention, samples
from archive_service.verifier.verify import check_bundle
from archive_service.web import error_page
from tests.api.roles import ROUTES
from tests.sample_site import SampleSite, serve_sample

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("walk")]

AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESK = (360, 780), (1280, 900)
FIRST_PAINT_LIMIT = 100 * 1000
WITHIN_MS = 20_000
VISITOR = "-"
NO_PAGE = {
    "/dossiers/<dossier>/uploads",
    "/dossiers/<dossier>/uploads/<upload>",
    "/livez", "/readyz", "/metrics", "/verify.py", "/verify.py.sha256", "/periksa.sha256",
    "/static/<digest>/<path:name>",
    "/quality/export", "/indicators/template/<kind>",
    "/dossiers/<dossier>/documents/<version>", "/dossiers/<dossier>/documents/<version>/receipt",
    "/dossiers/<dossier>/pulse", "/dossiers/<dossier>/bundle", "/dossiers/<dossier>/bundle/progress", "/dossiers/<dossier>/proofs",
    "/dossiers/<dossier>/proofs/<int:seq>", "/dossiers/<dossier>/documents/<version>/preview",
    "/bantuan/gambar/<name>",
    "/sampel/<sample>/population.txt", "/sampel/<sample>/export",
}  # fmt: skip
"""What is no page of its own: files, and parts of pages."""
LEADS_ON = {
    "/audit/dibaca/<int:seq>",
    "/login/kode",
    "/login/oidc/kembali",
    "/dossiers/<dossier>/steps/<step>",
    "/settings",
}
"""What only leads to another page."""
WALK = {
    "/": "sari hendra",
    "/dossiers": "sari wahyu",
    "/dossiers/new": "maya",
    "/dossiers/<dossier>": "sari bima linda.elka wahyu",
    "/login": VISITOR,
    "/lupa-sandi": VISITOR,
    "/sandi-baru/<secret>": VISITOR,
    "/surel/<secret>": VISITOR,
    "/periksa": VISITOR,
    "/dossiers/<dossier>/steps/<step>/review": "linda.elka",
    "/findings": "nuraini hendra",
    "/findings/new": "wahyu",
    "/findings/<finding>": "wahyu",
    "/audits": "admin",
    "/audit": "wahyu",
    "/sampel": "wahyu",
    "/obligations": "nuraini maya",
    "/calendars": "nuraini",
    "/delegations": "hendra",
    "/admin/orang": "admin",
    "/admin/orang/<person>": "admin",
    "/admin/akun": "admin",
    # the stage of roles.py asks for it with the digest of an SOP
    "/admin/retensi/<digest>": "admin",
    "/quality": "nuraini",
    "/quality/runs": "nuraini",
}
"""Page → who looks at it, where that is not the first of EVERYBODY whom it lets in."""
QUERIES = {"/admin/sop/beda": "?kunci=sop-spmi-601&dari=1&ke=1"}
"""What a page is asked with, where it needs to be."""
EVERYBODY = ("sari", "wahyu", "nuraini", "admin", VISITOR)
MATRIX = ("sari", "hendra", "ratna", "maya", "wahyu", "nuraini", "admin", VISITOR)

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""
RUN_AXE = """
async (rules) => {
  const found = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
  return found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 2).map((n) => n.html.slice(0, 160)).join(" | ")}`);
}
"""
LOOK = """
() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const found = [];
  if (wide > 0) {
    const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
    found.push(`sticks out by ${wide} px: ${out.slice(-1).map((e) => e.outerHTML.slice(0, 120))}`);
  }
  const h1 = document.querySelectorAll("h1").length;
  if (h1 !== 1) found.push(`${h1} h1`);
  if (!["id", "en"].includes(document.documentElement.lang)) found.push("no lang");
  return found.concat(window.violations.map((v) => `CSP: ${v}`));
}
"""
FOCUS = """
() => {
  const all = document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']");
  const found = [];
  for (const e of all) {
    if (!e.checkVisibility() || e.disabled) continue;
    e.focus();
    if (document.activeElement !== e) continue;
    const s = getComputedStyle(e);
    const isSeen = (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none";
    if (!isSeen) found.push(`focus does not show: ${e.outerHTML.slice(0, 120)}`);
  }
  return found.slice(0, 3);
}
"""


def pages() -> list[str]:
    """The addresses of the pages' routes that are read."""
    gets = [name.removeprefix("GET ") for name in ROUTES if name.startswith("GET ")]
    return [p for p in gets if not p.startswith(("/api/", "/log/")) and p not in NO_PAGE | LEADS_ON]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleSite]:
    with serve_sample(tmp_path_factory.mktemp("year") / "var") as made:
        yield made


class Addresses:
    """An address of each page in the sample year."""

    def __init__(self, site: SampleSite) -> None:
        office: SampleOffice = site.office
        self._office = office
        wahyu = office.actor("wahyu")
        self.sample = samples.draw_sample(site.archive, wahyu, wanted=samples.PopulationFilter(), size=3, seed="contoh")
        self.finding = findings.list_findings(site.archive, wahyu)[0]["finding"]
        with site.archive.db.read() as session:
            self.sop = site.archive.catalog.newest(session, "sop", "sop-spmi-601").digest
            schedule = retention.list_schedules(site.archive, office.actor("admin"))[0]
            self.schedule: str = schedule["digest"]
            sop = site.archive.catalog.sop(session, self.sop)
        self.definition_texts: set[str] = {
            schedule["title"],
            sop.title,
            sop.number,
            *(s.activity for s in sop.steps),
            *(r.title for r in sop.roles),
        }
        self.definition_texts |= (
            {r.title for s in sop.steps for r in s.inputs}
            | {r.title for s in sop.steps for r in s.outputs}
            | {s.norm.text for s in sop.steps}
        )
        self.version = self._found(site, "sari", f"/dossiers/{self.dossier('sari')}", r"/documents/([0-9a-f]{32})")

        with site.archive.db.read() as session:
            row = session.execute(select(DocumentVersionRow).where(DocumentVersionRow.id == self.version)).scalar_one()
            self.document = row.document_id

    def _found(self, site: SampleSite, login: str, path: str, wanted: str) -> str:
        client = site.app.test_client()
        client.set_cookie("archive_session", site.cookie(login))
        found = re.search(wanted, client.get(path).get_data(as_text=True))
        assert found is not None, path
        return found[1]

    def dossier(self, login: str) -> str:
        """One that this person has something on: one that runs, for whoever decides at step 8, else one with a return."""
        if login.endswith(".elka"):
            return self._office.dossiers["jur-elka", 2026, 1]
        return self._office.dossiers["polman-babel", 2025, 2 if login in ("sari", "wahyu") else 4]

    def fill(self, rule: str, login: str) -> str:
        """The address of a page as this person has it; KeyError for a name that nothing is known of."""
        known: dict[str, Callable[[], str]] = {
            "dossier": lambda: self.dossier(login),
            "finding": lambda: str(self.finding),
            "digest": lambda: self.sop,
            "sample": lambda: self.sample,
            "version": lambda: self.version,
            "document": lambda: self.document,
            "seq": lambda: "1",
            "step": lambda: "8",
            "guide": lambda: "pelaksana",
            "secret": lambda: "0" * 43,
        }
        known.update(self._extra(login))
        if "<document>" in rule:
            known["dossier"] = lambda: self.dossier("sari")
        if rule.startswith("/admin/retensi/"):
            known["digest"] = lambda: self.schedule
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: known[found[1]](), rule) + QUERIES.get(rule, "")

    def _extra(self, login: str) -> dict[str, Callable[[], str]]:
        office = self._office
        return {
            "work_unit": lambda: office.units["polman-babel"],
            "unit": lambda: office.units["polman-babel"],
            "person": lambda: office.persons["sari"],
            "user": lambda: office.users["sari"],
        }


@pytest.fixture(scope="module")
def addresses(site: SampleSite) -> Addresses:
    return Addresses(site)


class Walker:
    """One person's browser, and what was wrong where they went."""

    def __init__(self, chromium: Browser, site: SampleSite, login: str, **options: Any) -> None:
        self.site, self.login = site, login
        self.context: BrowserContext = chromium.new_context(
            viewport={"width": PHONE[0], "height": PHONE[1]}, locale="id-ID", reduced_motion="reduce", **options
        )
        self.context.set_default_timeout(WITHIN_MS)
        self.context.add_init_script(WATCH)
        if login != VISITOR:
            self.context.add_cookies([{"name": "archive_session", "value": site.cookie(login), "url": site.url}])
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda m: self.note(f"console: {m.text}") if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.note(f"script: {e}"))
        self.page.on("response", self._note_response)
        self._cdp = self.context.new_cdp_session(self.page)
        self._cdp.send("Network.enable")
        self._cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self._cdp.on("Network.loadingFinished", self._note_bytes)
        self.bytes = 0.0
        self.where = ""
        self.troubles: list[str] = []

    def _note_response(self, response: Response) -> None:
        if response.status >= 500:
            self.note(f"{response.status} {response.url}")

    def _note_bytes(self, event: dict[str, Any]) -> None:
        self.bytes += event["encodedDataLength"]

    def note(self, text: str) -> None:
        """Keep a trouble with its place."""
        # an address that is asked for on purpose and answered with an error is its own console message
        if "409 (CONFLICT)" not in text:
            self.troubles.append(f"{self.login} {self.where}: {text}")

    def go(self, path: str) -> None:
        """Open a page with nothing in the cache, and weigh it."""
        self.where, self.bytes = path, 0.0
        answer = self.page.goto(self.site.url + path, wait_until="load")
        assert answer is not None
        if answer.status not in (200, 409):
            self.note(f"status {answer.status}")
            return
        if urlsplit(self.page.url).path != path.partition("?")[0]:
            self.note(f"leads to {self.page.url}")
        if self.bytes > FIRST_PAINT_LIMIT:
            self.note(f"{self.bytes / 1000:.0f} kB before the first paint")
        parser = html5lib.HTMLParser(namespaceHTMLElements=False)
        parser.parse(answer.text())
        for place, code, values in parser.errors[:3]:
            self.note(f"HTML: {code} {values} at {place}")

    def look(self, rules: list[str] | None = None) -> None:
        """Find what sticks out, what cannot be seen or named; by some rules alone where the rest was found out already."""
        for trouble in self.page.evaluate(LOOK):
            self.note(trouble)
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE)
        for trouble in self.page.evaluate(RUN_AXE, rules or RULES):
            self.note(f"axe: {trouble}")

    def tab(self) -> None:
        """Go to everything that takes the focus, as a keyboard does."""
        self.page.keyboard.press("Tab")
        for trouble in self.page.evaluate(FOCUS):
            self.note(trouble)

    def resize(self, width: int, height: int, theme: str) -> None:
        """Change the window and what the device prefers."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")

    def close(self) -> None:
        """Close the window."""
        self.context.close()


def who_walks(rule: str) -> list[str]:
    """Those who look at a page in the quick walk."""
    if rule in WALK:
        return WALK[rule].split()
    role = {"sari": "sakip_team", "wahyu": "auditor", "nuraini": "quality_checker", "admin": "administrator"}
    for login in EVERYBODY:
        if ROUTES[f"GET {rule}"].of(role.get(login, "nobody")).own in (200, 409):
            return [login]
    # the stage of roles.py has none of these: whoever is not refused reads one
    return [next(n for n in EVERYBODY if ROUTES[f"GET {rule}"].of(role.get(n, "nobody")).own != 403)]


def test_every_page_is_walked_to() -> None:
    assert set(WALK) <= set(pages())
    for rule in pages():
        assert who_walks(rule), rule
    gone = (NO_PAGE | LEADS_ON) - {name.removeprefix("GET ") for name in ROUTES}
    assert gone == set()


def test_every_page_holds_on_a_phone_and_on_a_desk(chromium: Browser, site: SampleSite, addresses: Addresses) -> None:
    by_login: dict[str, list[str]] = {}
    for rule in pages():
        for login in who_walks(rule):
            by_login.setdefault(login, []).append(addresses.fill(rule, login))
    troubles: list[str] = []
    for login, paths in by_login.items():
        walker = Walker(chromium, site, login)
        for path in paths:
            walker.resize(*PHONE, "light")
            walker.go(path)
            walker.look()
            walker.resize(*DESK, "dark")
            walker.look(["color-contrast"])
            walker.tab()
        troubles += walker.troubles
        walker.close()
    assert troubles == [], "\n".join(["", *troubles])


REFUSED = (
    (VISITOR, "/tidak-ada", 404),
    (VISITOR, "/static/0/tidak-ada.css", 404),
    ("sari", "/tidak-ada", 404),
    ("sari", "/dossiers/" + "0" * 32, 404),
    ("sari", "/admin", 403),
    ("sari", "/logout", 405),
    ("wahyu", "/dossiers/new", 403),
)
SELDOM = (HTTPStatus.GONE, HTTPStatus(413), HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR,
          HTTPStatus.SERVICE_UNAVAILABLE)  # fmt: skip


def _answer(status: HTTPStatus, text: str, route: Route) -> None:
    route.fulfill(status=int(status), content_type="text/html; charset=utf-8", body=text)


def look_in_both(walker: Walker) -> None:
    """What the page shows now, on a phone by day and on a desk by night."""
    walker.resize(*PHONE, "light")
    walker.look()
    walker.resize(*DESK, "dark")
    walker.look()


def test_pages_of_errors_hold_as_all_others(chromium: Browser, site: SampleSite) -> None:
    troubles: list[str] = []
    for login in dict.fromkeys(login for login, _, _ in REFUSED):
        walker = Walker(chromium, site, login)
        for path, status in [(path, status) for who, path, status in REFUSED if who == login]:
            walker.where = path
            answer = walker.page.goto(site.url + path)
            assert answer is not None
            assert (path, answer.status) == (path, status)
            look_in_both(walker)
            walker.tab()
        # what no address of a sound service answers, as it would
        for status in SELDOM:
            with site.app.test_request_context("/"):
                text = error_page(status, status.name.lower(), status.description).get_data(as_text=True)
            walker.page.route("**/rusak", partial(_answer, status, text))
            walker.where = f"status {int(status)}"
            walker.page.goto(f"{site.url}/rusak")
            expect(walker.page.locator("h1")).to_be_visible()
            look_in_both(walker)
            walker.page.unroute("**/rusak")
        # the browser's own line of an answer that is an error on purpose
        troubles += [t for t in walker.troubles if "Failed to load resource" not in t and f"{site.url}/rusak" not in t]
        walker.close()
    assert troubles == [], "\n".join(["", *troubles])


def test_a_lost_line_and_an_ended_session_are_told_as_legibly(
    chromium: Browser, site: SampleSite, addresses: Addresses
) -> None:
    walker = Walker(chromium, site, "sari")
    walker.go(addresses.fill("/dossiers/<dossier>", "sari"))
    news = walker.page.locator("#live")
    walker.context.set_offline(True)
    expect(news).to_contain_text("Sambungan terputus")
    look_in_both(walker)
    walker.context.clear_cookies()
    walker.context.set_offline(False)
    expect(news).to_contain_text("masuk")
    look_in_both(walker)
    troubles = [t for t in walker.troubles if "Failed to load resource" not in t]
    walker.close()
    assert troubles == [], "\n".join(["", *troubles])


@pytest.mark.full
@pytest.mark.parametrize("login", MATRIX)
def test_every_page_holds_for_everybody_in_every_form(
    chromium: Browser, site: SampleSite, addresses: Addresses, login: str
) -> None:
    role = {"sari": "sakip_team", "hendra": "section_head", "ratna": "satker_head", "maya": "data_officer"}
    role |= {"wahyu": "auditor", "nuraini": "quality_checker", "admin": "administrator"}
    troubles: list[str] = []
    for language in ("id", "en"):
        walker = Walker(chromium, site, login)
        walker.context.add_cookies([{"name": "lang", "value": language, "url": site.url}])
        for rule in pages():
            is_let_in = ROUTES[f"GET {rule}"].of(role.get(login, "nobody")).own in (200, 409)
            if not is_let_in and login not in WALK.get(rule, "").split():
                continue
            for size in (PHONE, DESK):
                walker.resize(*size, "light")
                walker.go(addresses.fill(rule, login))
                walker.look()
                # what the other theme can break is what cannot be read
                walker.resize(*size, "dark")
                walker.look(["color-contrast"])
            walker.tab()
        troubles += walker.troubles
        walker.close()
    assert troubles == [], "\n".join(["", *troubles])


def test_without_scripts_the_forms_are_there(chromium: Browser, site: SampleSite, addresses: Addresses) -> None:
    def forms(login: str, path: str) -> str:
        context = chromium.new_context(java_script_enabled=False)
        if login != VISITOR:
            context.add_cookies([{"name": "archive_session", "value": site.cookie(login), "url": site.url}])
        page = context.new_page()
        page.goto(site.url + path)
        shown = [
            f.get_attribute("action") or path
            for f in page.locator("form").all()
            if f.evaluate("f => f.checkVisibility() && f.method === 'post'")
        ]
        context.close()
        return "\n".join(shown)

    assert "/login" in forms(VISITOR, "/login")
    dossier = addresses.dossier("linda.elka")
    assert f"/dossiers/{dossier}/steps/8/decision" in forms("linda.elka", f"/dossiers/{dossier}")
    assert "/dossiers" in forms("maya", "/dossiers/new")


def test_the_sample_year_is_evidence_like_any_other(site: SampleSite) -> None:
    assert audit.check_archive(site.archive, with_objects=True).discrepancies == []
    dossier = site.office.dossiers["jur-elka", 2025, 4]
    content = reading.read_bundle(site.archive, site.office.actor("wahyu"), dossier=dossier)
    data = b"".join(content.chunks)
    report = check_bundle(io.BytesIO(data), len(data), site.archive.log_key.verifier_key)
    assert report.discrepancies == []


SAME_IN_BOTH = {
    "Folder", "File", "VALID", "SQLite", "folder", "restricted",
    "Indonesia", "English", "Plh.", "Plt.", "SHA-256", "POS", "SOP", "Audit", "Log", "Auditor", "Administrator", "Status",
    "Token API", "Menu", "Triwulan", "Demo", "Link", "Dossier", "Passkey", "QR", "API", "PIC", "KTS", "WIB", "PDF", "XLSX",
}  # fmt: skip
"""Words that are the same in both languages, or are the office's own names."""


def texts_of(page: str, language: str) -> set[str]:
    """What can be read on a page in its own language: not code, not what is marked as another language."""
    found: set[str] = set()

    def walk(node: Any, is_own: bool) -> None:
        marked = node.get("lang")
        is_own = is_own if marked is None else marked == language
        if not isinstance(node.tag, str) or node.tag in ("script", "style", "code", "pre", "kbd", "option", "time"):
            return
        if is_own and node.text:
            found.add(" ".join(node.text.split()))
        for child in node:
            walk(child, is_own)
            if is_own and child.tail:
                found.add(" ".join(child.tail.split()))

    document = html5lib.parse(page, namespaceHTMLElements=False)
    walk(document.find("body"), True)
    return found


def test_what_people_read_is_in_their_language(site: SampleSite, addresses: Addresses) -> None:
    data = {m.name for u in SAMPLE_UNITS for m in u.members} | {u.name for u in SAMPLE_UNITS}
    data |= {*site.office.users, *site.office.units} | {str(text) for text in asdict(LETTERS).values()}
    data |= addresses.definition_texts | {"Pengukuran data kinerja triwulan"}
    troubles = []
    # the page that checks bundles is one file with both languages in it: tests/browser/test_proof_page.py
    for rule in sorted(set(pages()) - {"/periksa"}):
        login = who_walks(rule)[0]
        client = site.app.test_client()
        if login != VISITOR:
            client.set_cookie("archive_session", site.cookie(login))
        path = addresses.fill(rule, login)
        shown = []
        for language in ("id", "en"):
            answer = client.get(
                urlsplit(path).path, query_string={**dict(parse_qsl(urlsplit(path).query)), "lang": language}
            )
            if answer.mimetype != "text/html" or answer.status_code not in (200, 409):
                troubles.append(f"{rule}: {answer.status_code}")
                break
            shown.append(texts_of(answer.get_data(as_text=True), language))
        else:
            for text in sorted(shown[0] & shown[1]):
                rest = text
                for known in sorted((str(d) for d in data if d), key=len, reverse=True):
                    rest = rest.replace(known, " ")
                words = re.findall(r"(?<![\w./:@-])[A-Za-z]{4,}(?![\w./:@-])", rest)
                if [w for w in words if w not in SAME_IN_BOTH]:
                    troubles.append(f"{rule} ({login}): {text[:120]!r}")
    assert troubles == [], "\n".join(["", *troubles])
