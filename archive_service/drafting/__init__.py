"""A first draft of an SOP's definition from a table with the usual columns: what it says is taken, what it cannot tell is named."""

from archive_service.drafting.draft import Draft, draft_sop
from archive_service.drafting.table import Doubt

__all__ = ["Doubt", "Draft", "draft_sop"]
