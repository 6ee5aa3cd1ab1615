"""What screening decides: which hits concern a subject, and what risk follows. Pure."""
