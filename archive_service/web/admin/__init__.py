"""The pages of administration: units, people, log-ins, procedures, obligations, retention, tokens, webhooks, witnesses, health."""

from __future__ import annotations

from archive_service.web.admin import (
    obligations,
    overview,
    people,
    retention,
    sops,
    tokens,
    units,
    users,
    vouchers,
    webhooks,
)

MODULES = (overview, units, people, users, sops, obligations, retention, tokens, webhooks, vouchers)
"""Each has a blueprint of its own."""
