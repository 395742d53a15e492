"""Exports in, snapshots out: read files, conform them to the canonical tables, build and publish the star."""
