"""How each documented API spells what we know: status words, JSON, error bodies. Pure."""
