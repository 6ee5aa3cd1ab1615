"""What webhooks are told: whom an event concerns, and how each API writes it."""
