"""What reviewers do: the queue and its decisions, duplicates and merging, reports of abuse."""
