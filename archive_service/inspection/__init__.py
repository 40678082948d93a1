"""What a received file is, and whether it is sound enough to keep for decades."""

from archive_service.inspection.documents import Inspection, inspect_document
from archive_service.inspection.names import require_file_name

__all__ = ["Inspection", "inspect_document", "require_file_name"]
