"""Outcomes, experts with their works, demands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import market.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outcomes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("external_key", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("disciplines", sa.JSON(), nullable=False),
        sa.Column("contact_name", sa.String(), nullable=False),
        sa.Column("contact_phone", sa.String(), nullable=False),
        sa.Column("contact_email", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rejection_reason", sa.String(), nullable=False),
        sa.Column("rejection_text", sa.String(), nullable=False),
        sa.Column("extended", sa.Boolean(), nullable=False),
        sa.Column("warned", sa.Boolean(), nullable=False),
        sa.Column("published_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("updated_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("summary_zh", sa.String(), nullable=False),
        sa.Column("summary_en", sa.String(), nullable=False),
        sa.Column("description_zh", sa.String(), nullable=False),
        sa.Column("description_en", sa.String(), nullable=False),
        sa.Column("advantages_zh", sa.String(), nullable=False),
        sa.Column("advantages_en", sa.String(), nullable=False),
        sa.Column("owners", sa.JSON(), nullable=False),
        sa.Column("inventors", sa.JSON(), nullable=False),
        sa.Column("industries", sa.JSON(), nullable=False),
        sa.Column("ipc", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("funding_source", sa.String(), nullable=False),
        sa.Column("trl", sa.Integer(), nullable=True),
        sa.Column("ip_status", sa.String(), nullable=False),
        sa.Column("ip_rights", sa.JSON(), nullable=False),
        sa.Column("cooperation_modes", sa.JSON(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("price_negotiable", sa.Boolean(), nullable=False),
        sa.Column("indicators", sa.JSON(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("awards", sa.JSON(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "category IN ('', 'basic_theory', 'applied_technology', 'soft_science')",
            name=op.f("ck_outcomes_category_code"),
        ),
        sa.CheckConstraint(
            "field IN ('', 'electronic_information', 'biology_medicine', 'aerospace', 'new_materials', 'high_tech_services', 'new_energy', 'resources_environment', 'advanced_manufacturing')",
            name=op.f("ck_outcomes_field_code"),
        ),
        sa.CheckConstraint(
            "funding_source IN ('', 'public_national', 'public_provincial', 'public_city', 'in_house', 'commissioned', 'joint')",
            name=op.f("ck_outcomes_funding_source_code"),
        ),
        sa.CheckConstraint(
            "ip_status IN ('', 'none', 'know_how', 'applied', 'granted')", name=op.f("ck_outcomes_ip_status_code")
        ),
        sa.CheckConstraint(
            "kind IN ('', 'new_technology', 'new_process', 'new_product', 'new_material', 'new_equipment', 'biological_medicine', 'plant_animal_variety', 'standard', 'software', 'other')",
            name=op.f("ck_outcomes_kind_code"),
        ),
        sa.CheckConstraint("language IN ('', 'zh', 'en', 'both')", name=op.f("ck_outcomes_language_code")),
        sa.CheckConstraint(
            "rejection_reason IN ('', 'incomplete', 'implausible', 'duplicate', 'not_permitted', 'other')",
            name=op.f("ck_outcomes_rejection_reason_code"),
        ),
        sa.CheckConstraint(
            "state <> 'published' OR published_at IS NOT NULL", name=op.f("ck_outcomes_published_has_date")
        ),
        sa.CheckConstraint(
            "state IN ('', 'draft', 'submitted', 'rejected', 'published', 'suspended', 'expired', 'withdrawn', 'closed')",
            name=op.f("ck_outcomes_state_code"),
        ),
        sa.CheckConstraint("title_zh <> '' OR title_en <> ''", name=op.f("ck_outcomes_title_zh_or_title_en")),
        sa.CheckConstraint("length(advantages_en) <= 2000", name=op.f("ck_outcomes_advantages_en_length")),
        sa.CheckConstraint("length(advantages_zh) <= 2000", name=op.f("ck_outcomes_advantages_zh_length")),
        sa.CheckConstraint("length(contact_email) <= 254", name=op.f("ck_outcomes_contact_email_length")),
        sa.CheckConstraint("length(contact_name) <= 128", name=op.f("ck_outcomes_contact_name_length")),
        sa.CheckConstraint("length(contact_phone) <= 64", name=op.f("ck_outcomes_contact_phone_length")),
        sa.CheckConstraint("length(description_en) <= 20000", name=op.f("ck_outcomes_description_en_length")),
        sa.CheckConstraint("length(description_zh) <= 20000", name=op.f("ck_outcomes_description_zh_length")),
        sa.CheckConstraint("length(rejection_text) <= 2000", name=op.f("ck_outcomes_rejection_text_length")),
        sa.CheckConstraint("length(summary_en) <= 500", name=op.f("ck_outcomes_summary_en_length")),
        sa.CheckConstraint("length(summary_zh) <= 500", name=op.f("ck_outcomes_summary_zh_length")),
        sa.CheckConstraint("length(title_en) <= 256", name=op.f("ck_outcomes_title_en_length")),
        sa.CheckConstraint("length(title_zh) <= 256", name=op.f("ck_outcomes_title_zh_length")),
        sa.CheckConstraint("price IS NULL OR price >= 0", name=op.f("ck_outcomes_price_not_negative")),
        sa.CheckConstraint("trl IS NULL OR trl BETWEEN 1 AND 9", name=op.f("ck_outcomes_trl_level")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_outcomes_version_positive")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_outcomes_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_outcomes_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
        sa.UniqueConstraint("organisation_id", "external_key", name="outcomes_external_key"),
    )
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outcomes_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outcomes_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index("outcomes_state", ["state", "id"], unique=False)

    op.create_table(
        "experts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("external_key", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("disciplines", sa.JSON(), nullable=False),
        sa.Column("contact_name", sa.String(), nullable=False),
        sa.Column("contact_phone", sa.String(), nullable=False),
        sa.Column("contact_email", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rejection_reason", sa.String(), nullable=False),
        sa.Column("rejection_text", sa.String(), nullable=False),
        sa.Column("extended", sa.Boolean(), nullable=False),
        sa.Column("warned", sa.Boolean(), nullable=False),
        sa.Column("published_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("updated_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("professional_title", sa.String(), nullable=False),
        sa.Column("position", sa.String(), nullable=False),
        sa.Column("degree", sa.String(), nullable=False),
        sa.Column("directions_zh", sa.String(), nullable=False),
        sa.Column("directions_en", sa.String(), nullable=False),
        sa.Column("biography_zh", sa.String(), nullable=False),
        sa.Column("biography_en", sa.String(), nullable=False),
        sa.Column("regions_served", sa.JSON(), nullable=False),
        sa.Column("cooperation", sa.JSON(), nullable=False),
        sa.Column("availability", sa.String(), nullable=False),
        sa.Column("orcid", sa.String(), nullable=False),
        sa.Column("consented", sa.Boolean(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "availability IN ('', 'available', 'limited', 'unavailable')", name=op.f("ck_experts_availability_code")
        ),
        sa.CheckConstraint(
            "degree IN ('', 'bachelor', 'master', 'doctor', 'other')", name=op.f("ck_experts_degree_code")
        ),
        sa.CheckConstraint(
            "field IN ('', 'electronic_information', 'biology_medicine', 'aerospace', 'new_materials', 'high_tech_services', 'new_energy', 'resources_environment', 'advanced_manufacturing')",
            name=op.f("ck_experts_field_code"),
        ),
        sa.CheckConstraint("language IN ('', 'zh', 'en', 'both')", name=op.f("ck_experts_language_code")),
        sa.CheckConstraint("name_zh <> '' OR name_en <> ''", name=op.f("ck_experts_name_zh_or_name_en")),
        sa.CheckConstraint(
            "professional_title IN ('', 'professor', 'associate_professor', 'lecturer', 'researcher', 'associate_researcher', 'assistant_researcher', 'principal_engineer', 'senior_engineer', 'engineer', 'chief_physician', 'associate_chief_physician', 'agronomist', 'other')",
            name=op.f("ck_experts_professional_title_code"),
        ),
        sa.CheckConstraint(
            "rejection_reason IN ('', 'incomplete', 'implausible', 'duplicate', 'not_permitted', 'other')",
            name=op.f("ck_experts_rejection_reason_code"),
        ),
        sa.CheckConstraint(
            "state <> 'published' OR published_at IS NOT NULL", name=op.f("ck_experts_published_has_date")
        ),
        sa.CheckConstraint(
            "state IN ('', 'draft', 'submitted', 'rejected', 'published', 'suspended', 'expired', 'withdrawn', 'closed')",
            name=op.f("ck_experts_state_code"),
        ),
        sa.CheckConstraint("length(biography_en) <= 10000", name=op.f("ck_experts_biography_en_length")),
        sa.CheckConstraint("length(biography_zh) <= 5000", name=op.f("ck_experts_biography_zh_length")),
        sa.CheckConstraint("length(contact_email) <= 254", name=op.f("ck_experts_contact_email_length")),
        sa.CheckConstraint("length(contact_name) <= 128", name=op.f("ck_experts_contact_name_length")),
        sa.CheckConstraint("length(contact_phone) <= 64", name=op.f("ck_experts_contact_phone_length")),
        sa.CheckConstraint("length(directions_en) <= 2000", name=op.f("ck_experts_directions_en_length")),
        sa.CheckConstraint("length(directions_zh) <= 1000", name=op.f("ck_experts_directions_zh_length")),
        sa.CheckConstraint("length(name_en) <= 128", name=op.f("ck_experts_name_en_length")),
        sa.CheckConstraint("length(name_zh) <= 64", name=op.f("ck_experts_name_zh_length")),
        sa.CheckConstraint("length(orcid) <= 19", name=op.f("ck_experts_orcid_length")),
        sa.CheckConstraint("length(position) <= 128", name=op.f("ck_experts_position_length")),
        sa.CheckConstraint("length(rejection_text) <= 2000", name=op.f("ck_experts_rejection_text_length")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_experts_version_positive")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_experts_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_experts_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experts")),
        sa.UniqueConstraint("organisation_id", "external_key", name="experts_external_key"),
    )
    with op.batch_alter_table("experts", schema=None) as batch_op:
        batch_op.create_index("experts_state", ["state", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_experts_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_experts_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "works",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("abstract", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('', 'paper', 'patent', 'project', 'standard', 'software', 'book')",
            name=op.f("ck_works_kind_code"),
        ),
        sa.CheckConstraint("length(abstract) <= 5000", name=op.f("ck_works_abstract_length")),
        sa.CheckConstraint("length(identifier) <= 256", name=op.f("ck_works_identifier_length")),
        sa.CheckConstraint("length(title) <= 512", name=op.f("ck_works_title_length")),
        sa.CheckConstraint("year IS NULL OR year BETWEEN 1800 AND 2200", name=op.f("ck_works_year_plausible")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_works_expert_id_experts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_works")),
    )
    with op.batch_alter_table("works", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_works_expert_id"), ["expert_id"], unique=False)

    op.create_table(
        "demands",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("external_key", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("disciplines", sa.JSON(), nullable=False),
        sa.Column("contact_name", sa.String(), nullable=False),
        sa.Column("contact_phone", sa.String(), nullable=False),
        sa.Column("contact_email", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rejection_reason", sa.String(), nullable=False),
        sa.Column("rejection_text", sa.String(), nullable=False),
        sa.Column("extended", sa.Boolean(), nullable=False),
        sa.Column("warned", sa.Boolean(), nullable=False),
        sa.Column("published_at", market.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("updated_at", market.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("problem_zh", sa.String(), nullable=False),
        sa.Column("problem_en", sa.String(), nullable=False),
        sa.Column("background_zh", sa.String(), nullable=False),
        sa.Column("background_en", sa.String(), nullable=False),
        sa.Column("industries", sa.JSON(), nullable=False),
        sa.Column("ipc", sa.JSON(), nullable=False),
        sa.Column("indicators", sa.JSON(), nullable=False),
        sa.Column("trl_from", sa.Integer(), nullable=True),
        sa.Column("trl_to", sa.Integer(), nullable=True),
        sa.Column("cooperation_modes", sa.JSON(), nullable=False),
        sa.Column("budget_from", sa.BigInteger(), nullable=True),
        sa.Column("budget_to", sa.BigInteger(), nullable=True),
        sa.Column("budget_negotiable", sa.Boolean(), nullable=False),
        sa.Column("reward", sa.BigInteger(), nullable=True),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("region_rule", sa.String(), nullable=False),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("intended", sa.JSON(), nullable=False),
        sa.Column("organisation_masked", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.String(), nullable=False),
        sa.CheckConstraint(
            "field IN ('', 'electronic_information', 'biology_medicine', 'aerospace', 'new_materials', 'high_tech_services', 'new_energy', 'resources_environment', 'advanced_manufacturing')",
            name=op.f("ck_demands_field_code"),
        ),
        sa.CheckConstraint("language IN ('', 'zh', 'en', 'both')", name=op.f("ck_demands_language_code")),
        sa.CheckConstraint(
            "progress IN ('', 'open', 'in_negotiation', 'awarded', 'solved', 'cancelled', 'failed')",
            name=op.f("ck_demands_progress_code"),
        ),
        sa.CheckConstraint(
            "region_rule IN ('', 'none', 'preferred', 'required')", name=op.f("ck_demands_region_rule_code")
        ),
        sa.CheckConstraint(
            "rejection_reason IN ('', 'incomplete', 'implausible', 'duplicate', 'not_permitted', 'other')",
            name=op.f("ck_demands_rejection_reason_code"),
        ),
        sa.CheckConstraint(
            "state <> 'published' OR published_at IS NOT NULL", name=op.f("ck_demands_published_has_date")
        ),
        sa.CheckConstraint(
            "state IN ('', 'draft', 'submitted', 'rejected', 'published', 'suspended', 'expired', 'withdrawn', 'closed')",
            name=op.f("ck_demands_state_code"),
        ),
        sa.CheckConstraint("title_zh <> '' OR title_en <> ''", name=op.f("ck_demands_title_zh_or_title_en")),
        sa.CheckConstraint(
            "budget_from IS NULL OR budget_from >= 0", name=op.f("ck_demands_budget_from_not_negative")
        ),
        sa.CheckConstraint(
            "budget_from IS NULL OR budget_to IS NULL OR budget_from <= budget_to",
            name=op.f("ck_demands_budget_from_budget_to_in_order"),
        ),
        sa.CheckConstraint("budget_to IS NULL OR budget_to >= 0", name=op.f("ck_demands_budget_to_not_negative")),
        sa.CheckConstraint("length(background_en) <= 10000", name=op.f("ck_demands_background_en_length")),
        sa.CheckConstraint("length(background_zh) <= 10000", name=op.f("ck_demands_background_zh_length")),
        sa.CheckConstraint("length(contact_email) <= 254", name=op.f("ck_demands_contact_email_length")),
        sa.CheckConstraint("length(contact_name) <= 128", name=op.f("ck_demands_contact_name_length")),
        sa.CheckConstraint("length(contact_phone) <= 64", name=op.f("ck_demands_contact_phone_length")),
        sa.CheckConstraint("length(problem_en) <= 10000", name=op.f("ck_demands_problem_en_length")),
        sa.CheckConstraint("length(problem_zh) <= 10000", name=op.f("ck_demands_problem_zh_length")),
        sa.CheckConstraint("length(rejection_text) <= 2000", name=op.f("ck_demands_rejection_text_length")),
        sa.CheckConstraint("length(title_en) <= 256", name=op.f("ck_demands_title_en_length")),
        sa.CheckConstraint("length(title_zh) <= 256", name=op.f("ck_demands_title_zh_length")),
        sa.CheckConstraint("reward IS NULL OR reward >= 0", name=op.f("ck_demands_reward_not_negative")),
        sa.CheckConstraint("trl_from IS NULL OR trl_from BETWEEN 1 AND 9", name=op.f("ck_demands_trl_from_level")),
        sa.CheckConstraint(
            "trl_from IS NULL OR trl_to IS NULL OR trl_from <= trl_to",
            name=op.f("ck_demands_trl_from_trl_to_in_order"),
        ),
        sa.CheckConstraint("trl_to IS NULL OR trl_to BETWEEN 1 AND 9", name=op.f("ck_demands_trl_to_level")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_demands_version_positive")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_demands_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_demands_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demands")),
        sa.UniqueConstraint("organisation_id", "external_key", name="demands_external_key"),
    )
    with op.batch_alter_table("demands", schema=None) as batch_op:
        batch_op.create_index("demands_state", ["state", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_demands_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_demands_owner_id"), ["owner_id"], unique=False)


def downgrade() -> None:
    op.drop_table("demands")
    op.drop_table("works")
    op.drop_table("experts")
    op.drop_table("outcomes")
