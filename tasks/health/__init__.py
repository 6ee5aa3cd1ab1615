"""Whether a service has what it needs, found by looking, with what to do where it has not."""
