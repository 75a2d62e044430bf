"""Search engines of the web: found through entry points; those that answer in plain JSON are rows of data."""
