from __future__ import annotations

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from pydantic import BaseModel
from werkzeug.test import TestResponse

from archive_service.app import create_app
from archive_service.services import users
from tests.office import Office

Client = Callable[[str], "Caller"]


class Caller:
    """One person's way to the API, in process; every JSON answer is held to the model that its route declares."""

    def __init__(self, client: FlaskClient, secret: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str) -> tuple[int, dict[str, object]]:
        return self.send("GET", path)

    def send(self, method: str, path: str, **kwargs: object) -> tuple[int, dict[str, object]]:
        response = self.ask(method, path, **kwargs)  # type: ignore[arg-type]
        return response.status_code, response.get_json(silent=True) or {}

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **kwargs: object) -> TestResponse:
        response = self.client.open(path, method=method, headers={**self.headers, **(headers or {})}, **kwargs)  # type: ignore[arg-type]
        self._hold_to_its_model(response)
        return response

    def _hold_to_its_model(self, response: TestResponse) -> None:
        app = self.client.application
        endpoint, _ = app.create_url_adapter(response.request).match() if response.status_code < 300 else ("", {})  # type: ignore[union-attr,arg-type]
        declared = getattr(app.view_functions.get(endpoint), "_operation", None)
        if declared is not None and isinstance(declared.answer, type) and response.mimetype == "application/json":
            assert issubclass(declared.answer, BaseModel)
            assert response.status_code == declared.status
            declared.answer.model_validate(response.get_json())


@pytest.fixture
def app(office: Office) -> APIFlask:
    return create_app(office.archive)


@pytest.fixture
def call(office: Office, app: APIFlask) -> Client:
    """The API as a person of the office."""

    def as_person(login: str) -> Caller:
        token = users.create_token(office.archive, office.actor(login), name="test", days=60)
        return Caller(app.test_client(), token.secret)

    return as_person
