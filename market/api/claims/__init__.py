"""Claims, messages that are passed on, and cases of brokers."""
