"""What leaves the machine: the answers of a day as files that spreadsheets and statistics programs open."""

from reader.export.csv_files import ExportError
from reader.export.day import Exported, export_day

__all__ = ["ExportError", "Exported", "export_day"]
