"""Transactions on an EVM chain, each sent exactly once."""
