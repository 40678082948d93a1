"""A page that stays open while colleagues work, on a phone and with a line that comes and goes; and a decision from a mail's address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from archive_service.cli.demo import PASSWORD
from tests.browser.conftest import DemoOffice, find_chromium
from tests.office import Office, make_office
from tests.server import serve_office
