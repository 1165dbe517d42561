"""Who may do what: one table, read by every service and door. Knows no database and no HTTP."""

from market.rights.table import ANYONE, REGISTERED, TABLE, Rule, rules_of

__all__ = ["ANYONE", "REGISTERED", "TABLE", "Rule", "rules_of"]
