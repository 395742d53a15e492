"""Measure the demo, loading, hostile files, faults, metrics and pages at size, fifty viewers, verdicts on people.

Machines are shared and noisy, so each figure stands beside the leanest alternative measured in the same run.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

import duckdb
from streamlit.testing.v1 import AppTest

from metrics import engine
from metrics.catalog import METRICS
from metrics.filters import Filters
from pages import by_reader
from tests.benchmarks import calibration, faults, hostile, loading, metrics_speed, pages_speed, viewers

ROOT: Final = Path(__file__).parents[2]
PORT: Final = 8590
LEANEST_CLOSING_RATE: Final = """
    select salesperson_key, count(*) filter (where is_sold) as hits, count(*) as chances
    from fct_opportunity
    where is_eligible
    group by salesperson_key
"""


def main() -> None:
    """Print every figure, a line each; names of parts (demo, loading, ..., calibration) choose only those."""
    parts = {
        "demo": demo,
        "loading": loading.main,
        "hostile": hostile.main,
        "faults": faults.main,
        "metrics": metrics_speed.main,
        "pages": pages_speed.main,
        "viewers": viewers.main,
        "calibration": calibration.main,
    }
    for name in sys.argv[1:] or parts:
        sys.stdout.write(f"--- {name}\n")
        parts[name]()


def demo() -> None:
    """The demo dealership: loading, metrics, page runs, server start."""
    with tempfile.TemporaryDirectory() as place:
        exports, warehouse = Path(place) / "exports", Path(place) / "warehouse"
        _load(exports, warehouse)
        os.environ["UPBOARD_WAREHOUSE"] = str(warehouse)
        _metrics(warehouse)
        _pages()
        _start()


def _load(exports: Path, warehouse: Path) -> None:
    simulating = _seconds(lambda: _run("loaders", "demo", str(exports)))
    settings = str(exports / "settings.toml")
    loading = _seconds(
        lambda: _run("loaders", "load", str(exports), "--settings", settings, "--warehouse", str(warehouse))
    )
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    again = _seconds(
        lambda: _run("loaders", "load", str(exports), "--settings", settings, "--warehouse", str(warehouse))
    )
    leanest = _seconds(lambda: _read_with_duckdb(exports))
    size_mb = sum(path.stat().st_size for path in exports.rglob("*.csv")) / 1e6
    _say("simulate the demo", f"{simulating:.1f} s")
    _say(
        "load the demo",
        f"{loading:.1f} s for {size_mb:.0f} MB of CSV, {loading / leanest:.1f} x DuckDB's read_csv alone",
    )
    _say("load it again (nothing changes)", f"{again:.1f} s")
    _say("peak memory of simulating and loading", f"{peak_mb:.0f} MB")


def _read_with_duckdb(exports: Path) -> None:
    with duckdb.connect() as con:
        for number, path in enumerate(sorted(exports.rglob("*.csv"))):
            con.execute(f"create table t{number} as select * from read_csv(?, all_varchar = true)", [str(path)])


def _metrics(warehouse: Path) -> None:
    opened = engine.open_warehouse(warehouse)
    by_person = Filters(by=("person",))
    whole = _median_ms(lambda: engine.evaluate(opened, [metric.name for metric in METRICS], Filters()))
    own = _median_ms(lambda: engine.evaluate(opened, ["closing_rate"], by_person))
    with opened._reading() as reader:
        leanest = _median_ms(lambda: reader.cursor.sql(LEANEST_CLOSING_RATE).pl())
    _say(f"all {len(METRICS)} metrics", f"{whole:.0f} ms")
    _say("closing rate by person", f"{own:.1f} ms, {own / leanest:.1f} x hand-written SQL ({leanest:.1f} ms)")


def _pages() -> None:
    for modules in by_reader().values():
        for module in modules:
            name = module.__name__.rpartition(".")[2]
            page = AppTest.from_string(f"import dashboard\ndashboard.main({name!r})", default_timeout=120)
            cold = _seconds(page.run) * 1000
            warm = _median_ms(page.run)
            _say(f"page {name}", f"first run {cold:.0f} ms, again {warm:.0f} ms")


def _start() -> None:
    command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.port", str(PORT)]
    begun = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"http://127.0.0.1:{PORT}/_stcore/health")
            _say("server start to ready", f"{time.perf_counter() - begun:.1f} s")
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)


def _run(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=True, capture_output=True)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _median_ms(work: Callable[[], object]) -> float:
    work()
    return median(_seconds(work) * 1000 for _ in range(7))


def _say(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:<40} {figure}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
