"""Connecting an account: signing in, collecting its documents, and telling how far that is."""
