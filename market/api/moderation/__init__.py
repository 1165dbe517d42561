"""What reviewers see and decide: submissions, reports, duplicates."""
