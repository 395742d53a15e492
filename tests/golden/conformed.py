"""What the profiles make of the exports in this folder; `python -m tests.golden.conformed` writes it down anew.

Each folder holds exports in the shape of one CRM, simulated by hand, and `expected.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from loaders.settings import load_settings
from tests.loaders.exports import conform_file, read_export

HERE: Final = Path(__file__).parent
SETTINGS: Final = HERE.parents[1] / "data" / "settings.toml"
# Where a row came from and its hash are tested on their own; here it matters what it says.
_ASIDE: Final = ("row_id", "source_file", "source_sheet", "profile", "block", "content_hash")


def conformed_folder(folder: Path) -> dict[str, Any]:
    """By file and block: rows read, the good rows (blanks and noes left out), the rules broken, the findings."""
    told: dict[str, Any] = {}
    for path in sorted(folder.glob("*.csv")):
        ((_, found),) = read_export(path)
        parts = conform_file(path, load_settings(SETTINGS))
        told[path.name] = {"profile": found.profile.name} | {
            part.block: {
                "read": part.read,
                "good": [_said(row) for row in part.good.drop(_ASIDE).to_dicts()],
                "refused": {str(line): rule for line, rule in part.rejects.select("source_line", "rule").iter_rows()},
                "findings": part.findings["detail"].to_list(),
            }
            for part in parts
        }
    return told


def _said(row: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items() if value is not None and value is not False}


def folders() -> list[Path]:
    """The folders of exports, one for each CRM."""
    return sorted(path for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__")


if __name__ == "__main__":
    for each in folders():
        text = json.dumps(conformed_folder(each), indent=1, ensure_ascii=False)
        (each / "expected.json").write_text(text + "\n", encoding="utf-8")
