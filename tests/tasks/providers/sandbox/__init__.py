"""Tests of `tasks.providers.sandbox`."""
