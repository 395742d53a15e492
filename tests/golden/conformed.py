"""What the profiles make of the exports in this folder; `python -m tests.golden.conformed` writes it down anew.

Each folder holds exports in the shape of one CRM, simulated by hand, and `expected.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from loaders.canonical import Conformed, conform
from loaders.errors import LoaderError
from loaders.settings import load_settings
from tests.loaders.exports import read_export

HERE: Final = Path(__file__).parent
SETTINGS: Final = HERE.parents[1] / "data" / "settings.toml"
# The store of rows that name none, as `--store` says it.
STORE: Final = "Lakeside Motors"
# Where a row came from is tested on their own; here it matters what it says.
_ASIDE: Final = ("row_id", "source_file", "source_sheet", "profile", "block")


def conformed_folder(folder: Path) -> dict[str, Any]:
    """By file and block: rows read, the good rows (blanks and noes left out), the rules broken, the findings.

    Lines that a block sets aside stand there with the reason; a file that it refuses, with its error.
    """
    told: dict[str, Any] = {}
    for path in sorted(path for path in folder.iterdir() if path.name != "expected.json"):
        ((raw, found),) = read_export(path)
        told[path.name] = {"profile": found.profile.name}
        for block in found.blocks:
            try:
                part = conform(raw, found.profile, block, load_settings(SETTINGS), store=STORE, exported_at=None)
                told[path.name][block.name] = _told(part)
            except LoaderError as error:
                told[path.name][block.name] = {"left out": str(error)}
    return told


def _told(part: Conformed) -> dict[str, Any]:
    aside = {"aside": {str(line): reason for line, reason in part.aside}} if part.aside else {}
    return {
        "read": part.read,
        "good": [_said(row) for row in part.good.drop(_ASIDE).to_dicts()],
        "refused": {str(line): rule for line, rule in part.rejects.select("source_line", "rule").iter_rows()},
        "findings": part.findings["detail"].to_list(),
        **aside,
    }


def _said(row: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items() if value is not None and value is not False}


def folders() -> list[Path]:
    """The folders of exports, one for each CRM."""
    return sorted(path for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__")


if __name__ == "__main__":
    for each in folders():
        text = json.dumps(conformed_folder(each), indent=1, ensure_ascii=False)
        (each / "expected.json").write_text(text + "\n", encoding="utf-8")
