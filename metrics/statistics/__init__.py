"""Pure statistics: numbers in, numbers out. Nothing here knows a table or a metric."""
