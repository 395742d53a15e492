"""Measurements, not tests: `make bench` prints them, as ratios against the leanest alternative in the same run."""
