"""Paths, ids, and who may enter."""
