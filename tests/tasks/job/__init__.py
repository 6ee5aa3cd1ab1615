"""Tests of `tasks.job`."""
