"""Settings from the environment (``ARCHIVE_…``); bad values are refused at start, all at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from archive_service.errors import InvalidInput

GIB = 1024**3
LOOPBACK = frozenset(["127.0.0.1", "::1", "localhost"])


class Settings(BaseSettings):
    """Everything that an operator may set. Defaults run the embedded service on this machine alone."""

    model_config = SettingsConfigDict(env_prefix="ARCHIVE_", extra="ignore")

    data_dir: Path = Path("var")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8601
    log_origin: str | None = None
    document_limit_bytes: Annotated[int, Field(ge=1)] = 5 * GIB
    upload_slots: Annotated[int, Field(ge=1, le=1000)] = 24
    threads: Annotated[int, Field(ge=2, le=1000)] = 32
    language: str = "id"
    demo: bool = False

    @field_validator("language")
    @classmethod
    def _known_language(cls, value: str) -> str:
        if value not in ("id", "en"):
            raise ValueError("must be id or en")
        return value

    @field_validator("log_origin")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[a-z0-9][a-z0-9./_-]{2,150}", value):
            raise ValueError("must be a name such as archive.example.ac.id/log: lower case, digits, . / _ -")
        return value

    @model_validator(mode="after")
    def _demo_is_local(self) -> Settings:
        if self.demo and self.host not in LOOPBACK:
            raise ValueError("the demo clock can be set by anyone who reaches it: demo mode listens on 127.0.0.1 only")
        if self.demo and not (self.log_origin or "").endswith("/demo"):
            raise ValueError("in demo mode the log's origin ends in /demo, so that nobody takes it for evidence")
        if not self.demo and (self.log_origin or "").endswith("/demo"):
            raise ValueError("a log origin that ends in /demo is for demo mode alone")
        if self.upload_slots >= self.threads:
            raise ValueError("upload_slots must be smaller than threads, or slow uploads block every page")
        return self

    @property
    def database_url(self) -> str:
        """The embedded database's SQLAlchemy URL."""
        return f"sqlite:///{self.data_dir.resolve() / 'archive.db'}"


def load_settings(**overrides: object) -> Settings:
    """The settings of this process; InvalidInput with every bad one and its variable's name."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as exc:
        wrong = "; ".join(
            f"{'ARCHIVE_' + str(error['loc'][0]).upper() + ': ' if error['loc'] else ''}{error['msg']}"
            for error in exc.errors()
        )
        raise InvalidInput("bad_settings", f"The settings are not usable. {wrong}") from exc
