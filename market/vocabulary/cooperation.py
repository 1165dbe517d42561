"""How far one way of cooperating answers another. Judgements, not measurements: change them here."""

# Codes of cooperation_modes and expert_cooperation; every pair counts in both directions.
SIMILAR: dict[tuple[str, str], float] = {
    # what an expert calls it, and what a demand calls it
    ("commissioned_research", "commissioned_development"): 1.0,
    ("commissioned_research", "joint_development"): 0.5,
    ("diagnosis", "service"): 0.8,
    ("diagnosis", "consulting"): 0.7,
    ("training", "service"): 0.6,
    # rights in a finished technology
    ("licence", "exclusive_licence"): 0.6,
    ("transfer", "exclusive_licence"): 0.6,
    ("transfer", "licence"): 0.3,
    # work still to be done
    ("joint_development", "commissioned_development"): 0.5,
    ("service", "consulting"): 0.5,
}


def mode_nearness(wanted: str, offered: str) -> float:
    """From 0 to 1: 1 for the same code, the table's value for a pair it lists, otherwise 0. Symmetric."""
    if wanted == offered:
        return 1.0
    return SIMILAR.get((wanted, offered), SIMILAR.get((offered, wanted), 0.0))
