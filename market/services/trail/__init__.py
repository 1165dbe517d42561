"""What was done: the audit log, the chain that seals it, what callers use, answers that are kept, signs of life."""
