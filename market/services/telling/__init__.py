"""Notifications: one inbox row for each person and event, then where, when and in what words it leaves the house."""
