"""Outcomes, experts and demands: their lives, versions, owners and the rules that their fields keep together."""
