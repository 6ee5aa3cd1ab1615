"""The whole service on this machine, shown through its HTTP API: a module for each API."""
