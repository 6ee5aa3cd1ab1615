"""The data that jobs work on, and all of its SQL."""
