"""Archive and audit service for documents of public procedures."""

__version__ = "0.1.0"
