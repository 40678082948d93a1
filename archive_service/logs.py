"""What processes say while they run: structured lines on standard error, constant messages, values as fields."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


def set_up_logging(stream: TextIO | None = None) -> None:
    """Write the service's own lines as JSON, and what libraries warn of beside them; to standard error by default."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
    )
