"""What is true of every job, whatever its type."""
