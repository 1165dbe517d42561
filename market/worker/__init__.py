"""Does the outbox's jobs: the runner claims, runs and finishes; the handlers know what each job means."""
