"""A browser without a screen: a Flask test client that sends what a browser sends with our forms."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from archive_service.app import create_app
from tests.office import PASSWORD, Office

ORIGIN = "http://localhost"


class Browser:
    """Logs in, reads pages, and sends forms with Origin and the token of the page."""

    def __init__(self, app: Flask, office: Office) -> None:
        self.client = app.test_client()
        self.office = office

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """The answer to a GET."""
        return self.client.get(path, buffered=True, **kwargs)

    def page(self, path: str) -> str:
        """The text of a page that must be there."""
        response = self.get(path)
        assert response.status_code == 200, (path, response.status_code, response.headers.get("Location"))
        return response.get_data(as_text=True)

    def token(self, path: str = "/password") -> str:
        """The token in the forms of a page."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.page(path))
        assert found is not None
        return found[1]

    def send(self, path: str, *, form: str = "/password", **fields: object) -> TestResponse:
        """The answer to a form, sent as our page ``form`` would."""
        data = {"csrf": self.token(form), **fields}
        return self.client.post(path, data=data, headers={"Origin": ORIGIN})

    def log_in(self, login: str, password: str = PASSWORD) -> TestResponse:
        """The answer to the log-in form."""
        return self.send("/login", form="/login", login=login, password=password)

    def settle(self, login: str) -> Browser:
        """Log in as somebody who has chosen a password of their own already."""
        self.office.settle(login)
        assert self.log_in(login).status_code == 303
        return self

    def upload(self, path: str, body: bytes, **headers: str) -> TestResponse:
        """The answer to a raw upload as the page's script sends it."""
        sent = {"Origin": ORIGIN, "X-CSRF-Token": self.token(), "Accept": "application/json", **headers}
        return self.client.post(path, data=body, content_type="application/octet-stream", headers=sent)


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.archive)


@pytest.fixture
def browser(app: Flask, office: Office) -> Browser:
    return Browser(app, office)
