"""Tests of `tasks.providers.watchlists`."""
