"""The JSON Schema of a layout file, made from `cards.model`, for editors that check while somebody types.

python -m cards.schema --write    writes cards/layout.schema.json
python -m cards.schema --check    says whether the committed file is current
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cards.model import LayoutFile

SCHEMA_FILE = Path(__file__).parent / "layout.schema.json"


def schema_text() -> str:
    """The schema as the file's text."""
    schema = LayoutFile.model_json_schema()
    schema["title"] = "Logicienne card layout"
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """`--write` or `--check`."""
    if arguments == ["--write"]:
        SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
        return 0
    if arguments == ["--check"]:
        current = SCHEMA_FILE.is_file() and SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
        if not current:
            sys.stderr.write(f"{SCHEMA_FILE.name} is out of date; run: python -m cards.schema --write\n")
        return 0 if current else 1
    sys.stderr.write(__doc__ or "")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
