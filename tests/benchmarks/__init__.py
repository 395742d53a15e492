"""Measurements, not tests: `make bench` prints them, as ratios against the leanest alternative in the same run."""

import logging

# A page run outside a server warns that it has none; the figures should stand alone.
logging.disable(logging.WARNING)
