"""What commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from archive_service.config import Settings, load_settings
from archive_service.errors import NotFound


def read_settings(**overrides: object) -> Settings:
    """The settings of the environment, with those that the command line gives in their place."""
    return load_settings(**{name: value for name, value in overrides.items() if value is not None})


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--data``: the folder of an embedded archive."""
    text = "Folder of all data (ARCHIVE_DATA_DIR)."
    return click.option("--data", "data_dir", type=click.Path(path_type=Path), help=text)(command)


def require_archive(settings: Settings) -> Settings:
    """The settings; NotFound ``archive_missing`` when they name an embedded archive that is not there."""
    if settings.database is None and not (settings.data_dir / "archive.db").exists():
        raise NotFound("archive_missing", f"There is no archive in {settings.data_dir}; name its folder with --data.")
    return settings
