"""`make bench` and `make demo`: the service, measured and shown from outside."""
