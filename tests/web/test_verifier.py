from __future__ import annotations

from hashlib import sha256

from archive_service.verifier.onefile import build_verifier
from tests.web.conftest import Browser


def test_a_visitor_gets_the_verifier_and_its_digest(browser: Browser) -> None:
    program, digest = browser.get("/verify.py"), browser.get("/verify.py.sha256")
    assert program.data == build_verifier()
    assert digest.get_data(as_text=True) == f"{sha256(program.data).hexdigest()}  verify.py\n"
    assert "attachment" in program.headers["Content-Disposition"]
    etag = program.headers["ETag"]
    assert browser.get("/verify.py", headers={"If-None-Match": etag}).status_code == 304
