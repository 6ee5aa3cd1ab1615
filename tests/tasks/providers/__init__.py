"""Tests of `tasks.providers`."""
