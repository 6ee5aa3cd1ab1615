"""Faults that are caused, and an audit after each."""
