"""Serve one of the two pages by Upboard's launcher: `python -m tests.benchmarks.shape SCRIPT PORT WAREHOUSE`."""

import sys
from pathlib import Path

from pages.serving import Serving, serve

script, port, warehouse = sys.argv[1:]
serve(Serving(port=int(port), warehouse=Path(warehouse), script=Path(script)))
