"""How alike two names are, and two dates of birth; with the reasons. Pure."""
