"""The schema, forward only; `python -m tasks.migrations` brings a database up to date."""
