"""The consuming end: claims jobs, performs them, settles them, and looks after the forgotten."""
