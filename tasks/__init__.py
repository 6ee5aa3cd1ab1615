"""What a job is, and every type of job: the modules beside this file are the catalogue."""
