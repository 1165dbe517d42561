"""/experts/<id>/works: an expert's works from a bibliography."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import post_load

from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import listings as examples
from market.api.presenting import shown_to
from market.errors import Invalid
from market.files.bibliographies import Skipped, works_of
from market.services.listings import works
from schemas.exports import ExpertWithWorks, WorksGiven

door = Door(
    "works", __name__, url_prefix="/api/v1/experts", description="Experts' works from bibliographies 文献导入"
)

_GIVEN: dict[str, Any] = {
    "format": "bibtex",
    "text": "@article{lin2025, title = {Blistering of coatings in the tidal zone}, year = {2025}, "
    "doi = {10.1000/tidal.2025}}",
    "mode": "add",
}
_TAKEN: dict[str, Any] = {
    **examples.READ["expert"],
    "skipped": [{"key": "lin2024", "line": 12, "message": "The entry has no title."}],
}


class _Bibliography(WorksGiven):
    """Read as it is loaded: before the transaction that writes, which others wait for."""

    @post_load
    def read(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Beside what was given: `works` and `skipped`."""
        source = data["text"].encode("utf-8", "replace")
        found, skipped = works_of(source, fmt=data["format"])
        if not found:  # nothing is to be taken for no works at all
            raise Invalid({"/text": [one.message for one in skipped[:20]]})
        return {**data, "works": found, "skipped": skipped}


@door.route_to(
    "POST", "/<uuid:identity>/works", action="listing.update", body=_Bibliography, body_example=_GIVEN,
    answer=ExpertWithWorks, example=_TAKEN, versioned=True, name="take_works",
)  # fmt: skip
def take_works(call: Call, identity: uuid.UUID, body: dict[str, Any]) -> Answer:
    """Take works from BibTeX, CSL-JSON or ORCID's JSON, each once; with what was left out, and why."""
    expert = works.take(
        call.session, call.principal, identity, body["works"],
        replace=body["mode"] == "replace", version=call.if_match, now=call.runtime.clock(),
    )  # fmt: skip
    skipped = [_told(one, call.language) for one in body["skipped"]]
    return shown_to(call, expert, skipped=skipped)


def _told(one: Skipped, language: str) -> dict[str, Any]:
    return {"key": one.key, "line": one.line, "message": one.message.text(language)}
