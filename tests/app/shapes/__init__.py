"""Tests of `app.shapes`."""
