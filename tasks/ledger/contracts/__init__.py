"""The contracts of this service: their source, and what a compiler made of it."""
