"""The tests mirror the tree that they test; `faults` has those that cause damage."""
