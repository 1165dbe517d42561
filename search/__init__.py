"""Full-text search over outcomes, experts and demands. Knows nothing of the service that uses it."""
