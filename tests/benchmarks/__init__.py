"""Measurements, not tests: `make bench` prints them, as ratios against the leanest alternative in the same run."""

import os

# A page run outside a server warns that it has none; the figures should stand alone.
os.environ.setdefault("STREAMLIT_LOGGER_LEVEL", "error")
