"""What leaves the machine: answers as files that spreadsheets and statistics programs open. Begin with `export`."""

from reader.export.csv_files import ExportError
from reader.export.files import FORMATS, Exported, export, export_stories
from reader.export.selection import Selection, select

__all__ = ["FORMATS", "ExportError", "Exported", "Selection", "export", "export_stories", "select"]
