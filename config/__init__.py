"""How a process is wired to the world; knows nothing of jobs."""
