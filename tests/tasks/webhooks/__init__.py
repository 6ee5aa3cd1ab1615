"""Tests of `tasks.webhooks`."""
