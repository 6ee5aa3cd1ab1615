"""What operators see of jobs, queues and workers: read from the record, whoever wrote it."""
