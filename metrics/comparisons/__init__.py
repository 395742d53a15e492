"""Comparisons that hold: people at equal leads, sources at equal handling, changes explained, what is still to come.

Each takes a warehouse and filters, asks the engine for cells (one grouped query per question), hands them to
`metrics.statistics`, and gives a frame with a sentence per row where a person reads it.
"""
