"""`python -m bench.screenshots`: pictures of the dashboard for the README, over real jobs."""
