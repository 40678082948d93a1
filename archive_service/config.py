"""Settings from the environment (``ARCHIVE_…``); bad values are refused at start, all at once."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from archive_service.errors import InvalidInput

GIB = 1024**3
LOOPBACK = frozenset(["127.0.0.1", "::1", "localhost"])
MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+"
)
"""What mail is sent to and from: letters, digits and the signs of RFC 5322's atoms, no quoting, no line that could become a header."""


_ORIGIN = re.compile(r"[a-z0-9][a-z0-9./_-]{2,150}")
_ORIGIN_WORDS = "must be a name such as archive.example.ac.id/log: lower case, digits, . / _ -"


_AUTHORITY = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~/?=&%-]*)?")


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


class Settings(BaseSettings):
    """Everything that an operator may set. Defaults run the embedded service on this machine alone."""

    model_config = SettingsConfigDict(env_prefix="ARCHIVE_", extra="ignore")

    data_dir: Path = Path("var")
    database: str | None = None
    migration_database: str | None = None
    s3_endpoint: str | None = None
    s3_bucket: str = "archive"
    s3_region: str = "us-east-1"
    s3_access_key: str | None = None
    s3_secret_key: SecretStr | None = None
    redis_url: str | None = None
    log_key_file: Path | None = None
    receipt_key_file: Path | None = None
    log_vkey: str | None = None
    receipt_vkey: str | None = None
    former_log_key_file: Path | None = None
    witness_policy: Path | None = None
    time_stamp_authorities: str | None = None
    attestation_wait_seconds: Annotated[int, Field(ge=0, le=30)] = 30
    mail_checkpoints: bool = False
    checkpoint_mail_to: str | None = None
    lease_seconds: Annotated[int, Field(ge=1, le=86400)] = 300
    checkpoint_seconds: Annotated[int, Field(ge=1, le=3600)] = 10
    log_access: Literal["public", "restricted"] = "restricted"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8601
    log_origin: str | None = None
    document_limit_bytes: Annotated[int, Field(ge=1)] = 5 * GIB
    upload_slots: Annotated[int, Field(ge=1, le=1000)] = 24
    upload_dir: Path | None = None
    threads: Annotated[int, Field(ge=2, le=1000)] = 32
    proxies: Annotated[int, Field(ge=0, le=10)] = 0
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    session_idle_minutes: Annotated[int, Field(ge=5, le=1440)] = 120
    session_hours: Annotated[int, Field(ge=1, le=72)] = 12
    second_factor_roles: str = "administrator"
    totp_key_file: Path | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_client_secret_file: Path | None = None
    oidc_name: str | None = None
    token_tries_per_minute: Annotated[int, Field(ge=0, le=100_000)] = 30
    language: str = "id"
    public_url: str | None = None
    smtp_host: str | None = None
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = None
    mail_from: str | None = None
    webhook_allow_private: bool = False
    demo: bool = False

    @field_validator(
        "former_log_key_file",
        "witness_policy",
        "time_stamp_authorities",
        "checkpoint_mail_to",
        "totp_key_file",
        "oidc_issuer",
        "oidc_client_id",
        "oidc_client_secret",
        "oidc_client_secret_file",
        "oidc_name",
        "public_url",
        "smtp_host",
        "smtp_user",
        "smtp_password",
        "smtp_password_file",
        "mail_from",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        # a compose file passes what nobody set as an empty text
        return None if value == "" else value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~/-]*)?", value):
            raise ValueError("must be the address that people open, such as https://archive.example.ac.id")
        return value if value is None else value.rstrip("/")

    @field_validator("second_factor_roles")
    @classmethod
    def _roles(cls, value: str) -> str:
        if not all(re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", role) for role in _split(value)):
            raise ValueError("must be keys of roles, separated by commas, such as administrator,auditor")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str | None) -> str | None:
        if value is None:
            return None
        is_local = re.match(r"http://(127\.0\.0\.1|localhost)(:|/|$)", value) is not None
        if not (_AUTHORITY.fullmatch(value) and (value.startswith("https://") or is_local)) or len(value) > 300:
            raise ValueError("must be the provider's issuer, such as https://sso.example.ac.id/realms/kampus")
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str | None) -> str | None:
        if value is not None and not MAIL_ADDRESS.fullmatch(value):
            raise ValueError("must be a plain address such as archive@example.ac.id")
        return value

    @field_validator("time_stamp_authorities")
    @classmethod
    def _authorities(cls, value: str | None) -> str | None:
        for entry in (value or "").split(",") if value else []:
            words = entry.split()
            if not 1 <= len(words) <= 2 or not _AUTHORITY.fullmatch(words[0]):
                raise ValueError(
                    "must be addresses, each followed by its CA's certificates where they are known: "
                    "https://tsa.example/tsr /run/secrets/tsa.pem, https://other.example/"
                )
        return value

    @field_validator("checkpoint_mail_to")
    @classmethod
    def _receivers(cls, value: str | None) -> str | None:
        if value is not None and not all(MAIL_ADDRESS.fullmatch(address) for address in _split(value)):
            raise ValueError("must be plain addresses, separated by commas")
        return value

    @field_validator("language")
    @classmethod
    def _known_language(cls, value: str) -> str:
        if value not in ("id", "en"):
            raise ValueError("must be id or en")
        return value

    @field_validator("log_origin")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is not None and not _ORIGIN.fullmatch(value):
            raise ValueError(_ORIGIN_WORDS)
        return value

    @field_validator("database", "migration_database")
    @classmethod
    def _postgresql(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("postgresql://", "postgresql+psycopg://")):
            raise ValueError(
                "must be a URL such as postgresql://user:password@host/name; leave it out for SQLite in data_dir"
            )
        # the driver is psycopg 3, whatever SQLAlchemy would take by default
        return value.replace("postgresql://", "postgresql+psycopg://", 1)

    @field_validator("s3_endpoint")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:_-]+/?", value):
            raise ValueError("must be a URL without a path, such as http://s3:9000")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://", "redis+socket://", "unix://")):
            raise ValueError("must be a URL such as redis://redis:6379/0")
        return value

    @model_validator(mode="after")
    def _s3_is_whole(self) -> Settings:
        if self.s3_endpoint is not None and (self.s3_access_key is None or self.s3_secret_key is None):
            raise ValueError("s3_endpoint needs ARCHIVE_S3_ACCESS_KEY and ARCHIVE_S3_SECRET_KEY")
        return self

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Settings:
        if self.smtp_host is not None and (self.mail_from is None or self.public_url is None):
            raise ValueError("smtp_host needs ARCHIVE_MAIL_FROM, and ARCHIVE_PUBLIC_URL for the links in mails")
        if self.smtp_password is not None and self.smtp_password_file is not None:
            raise ValueError("smtp_password and smtp_password_file name two passwords: set one of them")
        has_password = self.smtp_password is not None or self.smtp_password_file is not None
        if has_password != (self.smtp_user is not None):
            raise ValueError("smtp_user and its password (or the file that holds it) are set together")
        if has_password and self.smtp_security == "none" and self.smtp_host not in LOOPBACK:
            raise ValueError("smtp_security none would send the password in the clear: use starttls or tls")
        return self

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Settings:
        secrets = (self.oidc_client_secret, self.oidc_client_secret_file)
        if self.oidc_issuer is None:
            if self.oidc_client_id is not None or any(secret is not None for secret in secrets):
                raise ValueError("oidc_client_id and its secret need ARCHIVE_OIDC_ISSUER")
        elif self.oidc_client_id is None or self.public_url is None:
            raise ValueError("oidc_issuer needs ARCHIVE_OIDC_CLIENT_ID, and ARCHIVE_PUBLIC_URL to come back to")
        elif sum(secret is not None for secret in secrets) != 1:
            raise ValueError("oidc_issuer needs one of ARCHIVE_OIDC_CLIENT_SECRET and ARCHIVE_OIDC_CLIENT_SECRET_FILE")
        return self

    @model_validator(mode="after")
    def _keys_are_whole(self) -> Settings:
        if (self.log_vkey is None) != (self.receipt_vkey is None):
            raise ValueError("log_vkey and receipt_vkey are set together: `archive-service init` prints both")
        return self

    @model_validator(mode="after")
    def _demo_vouches_for_nothing(self) -> Settings:
        if self.demo and (self.witness_policy is not None or self.time_stamp_authorities is not None):
            raise ValueError(
                "the demo's clock is not the world's: witnesses and time-stamps would contradict its events"
            )
        return self

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
        if self.workers > 1 and self.database is None:
            raise ValueError("more than one worker needs PostgreSQL (ARCHIVE_DATABASE): SQLite lets one process write")
        return self

    @property
    def partial_folder(self) -> Path:
        """Where the bytes of uploads under way lie; replicas share it."""
        return self.upload_dir or self.data_dir / "uploads"

    @property
    def database_url(self) -> str:
        """The database's SQLAlchemy URL: PostgreSQL when one is set, else SQLite in ``data_dir``."""
        if self.database is not None:
            return self.database
        return f"sqlite:///{self.data_dir.resolve() / 'archive.db'}"

    @property
    def authorities(self) -> list[tuple[str, Path | None]]:
        """The time-stamp authorities: the address of each, and the file of its CA's certificates where one is given."""
        words = [entry.split() for entry in (self.time_stamp_authorities or "").split(",") if entry.strip()]
        return [(each[0], Path(each[1]) if len(each) == 2 else None) for each in words]

    @property
    def roles_with_second_factor(self) -> frozenset[str]:
        """The roles whose holders need a second factor; nobody does in the demo, whose people have one published password."""
        return frozenset() if self.demo else frozenset(_split(self.second_factor_roles))

    @property
    def checkpoint_receivers(self) -> list[str]:
        """Who gets each day's checkpoint by mail besides the auditors."""
        return _split(self.checkpoint_mail_to or "")

    @property
    def lease(self) -> timedelta:
        """How long a worker may be silent before its job goes to another."""
        return timedelta(seconds=self.lease_seconds)


def require_log_origin(origin: str) -> str:
    """The name of a log, when it can be one; InvalidInput otherwise."""
    if not _ORIGIN.fullmatch(origin):
        raise InvalidInput("bad_origin", f"The log's origin {_ORIGIN_WORDS}.")
    return origin


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
