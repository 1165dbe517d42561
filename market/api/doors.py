"""`Door`: a blueprint whose routes each declare, in one decorator, who may call, what comes in and what goes out.

It opens the transaction, answers Idempotency-Keys, sets ETag and Link, and documents all of it for OpenAPI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import orjson
from flask import Response, g, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser

from market.api import authentication
from market.api.calls import Call, language, runtime, version_wanted
from market.errors import Forbidden, Unauthenticated
from market.models import IdempotentAnswer
from market.services import idempotency
from market.services.access import Principal

Who = Literal["anyone", "caller", "member", "reviewer", "administrator"]
_ROLES: Mapping[Who, frozenset[str]] = {
    "member": frozenset({"member", "expert", "administrator"}),
    "reviewer": frozenset({"reviewer", "administrator"}),
    "administrator": frozenset({"administrator"}),
}
_KEY_LENGTH = 200

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view gives back, already in its outer shape. `version` becomes the ETag."""

    body: Any = None
    status: int = 200
    version: int | None = None
    next_cursor: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class _StrictParser(FlaskParser):
    """Unknown parameters are refused in query strings as they are in bodies."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}  # noqa: RUF012


class Door(Blueprint):
    """A group of routes, one noun each."""

    ARGUMENTS_PARSER = _StrictParser()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As a Blueprint; documents request headers beside the parameters."""
        super().__init__(*arguments, **options)
        self._prepare_doc_cbks.append(_document_headers)

    def route_to(
        self,
        method: str,
        path: str,
        *,
        who: Who,
        answer: type[Schema] | Schema | None,
        example: Any = None,
        status: int = 200,
        query: type[Schema] | None = None,
        body: type[Schema] | None = None,
        body_example: Any = None,
        versioned: bool = False,
        only_reads: bool = False,
        name: str | None = None,
        summary: str | None = None,
    ) -> Callable[[View], View]:
        """Serve `method path` with the decorated view, `view(call, **path values, query=, body=) -> Answer`.

        GET reads; the rest write, and POST takes an Idempotency-Key, unless `only_reads`. `versioned` demands
        If-Match.
        """
        writes = method != "GET" and not only_reads

        def decorate(view: View) -> View:
            operation = name or view.__name__

            @wraps(view)
            def serve(*arguments: Any, **path_values: Any) -> Response:
                principal = authentication.principal()
                _admit(principal, who)
                values = dict(path_values)
                # webargs hands the loaded schemas over in the order of the decorators below.
                if query is not None:
                    values["query"] = arguments[-1 if body is None else -2]
                if body is not None:
                    values["body"] = arguments[-1]
                version = version_wanted(required=versioned) if writes else None
                g.operation = operation
                return _writing(view, principal, version, values) if writes else _reading(view, principal, values)

            documented: Any = self.response(status, answer, example=example)(serve)
            if body is not None:
                documented = self.arguments(body, example=body_example)(documented)
            if query is not None:
                documented = self.arguments(query, location="query")(documented)
            documented = self.doc(
                operationId=operation,
                security=[] if who == "anyone" else [{"key": []}],
                **{"x-who": who},
                **({"summary": summary} if summary else {}),
            )(documented)
            documented.who = who
            documented._apidoc["headers"] = _header_parameters(method if writes else "GET", versioned=versioned)
            self.route(path, methods=[method], endpoint=operation)(documented)
            return view

        return decorate


def _admit(principal: Principal, who: Who) -> None:
    if who == "anyone":
        return
    if principal.user_id is None:
        raise Unauthenticated
    roles = _ROLES.get(who)
    if roles is not None and not principal.roles & roles:
        raise Forbidden("role-missing", roles=", ".join(sorted(roles)))


def _reading(view: Callable[..., Answer], principal: Principal, values: dict[str, Any]) -> Response:
    with runtime().db.reading() as session:
        answer = view(Call(session, principal, runtime(), language()), **values)
    response = _respond(answer)
    if answer.version is not None and request.if_none_match.contains(str(answer.version)):
        return Response(status=304, headers={"ETag": response.headers["ETag"]})
    return response


def _writing(
    view: Callable[..., Answer], principal: Principal, version: int | None, values: dict[str, Any]
) -> Response:
    """One transaction: the earlier answer to this key, or the view's work together with its answer."""
    now = runtime().clock()
    key = request.headers.get("Idempotency-Key", "")[:_KEY_LENGTH] if request.method == "POST" else ""
    print_ = idempotency.fingerprint(request.method, request.full_path, request.get_data())
    with runtime().db.writing() as session:
        if key:
            earlier = idempotency.earlier(session, principal.name, key, print_, now=now)
            if earlier is not None:
                headers = {**earlier.headers, "Idempotency-Replayed": "true"}
                return Response(earlier.body, earlier.status, headers)
        response = _respond(view(Call(session, principal, runtime(), language(), version), **values))
        if key:
            idempotency.remember(
                session,
                IdempotentAnswer(
                    caller=principal.name,
                    key=key,
                    fingerprint=print_,
                    status=response.status_code,
                    headers=dict(response.headers),
                    body=response.get_data(),
                    created_at=now,
                ),
            )
        return response


def _respond(answer: Answer) -> Response:
    if answer.status == 204:
        return Response(status=204)
    response = Response(orjson.dumps(answer.body), answer.status, answer.headers, mimetype="application/json")
    response.headers["Vary"] = "Authorization, Accept-Language"
    if answer.version is not None:
        response.set_etag(str(answer.version))
    if answer.next_cursor is not None:
        arguments = {**request.args.to_dict(), "cursor": answer.next_cursor}
        response.headers["Link"] = f'<{request.path}?{urlencode(arguments)}>; rel="next"'
    return response


def _document_headers(doc: dict[str, Any], info: dict[str, Any], **_: Any) -> dict[str, Any]:
    """flask-smorest's hook for what a decorator left in `_apidoc`."""
    doc.setdefault("parameters", []).extend(info.get("headers", ()))
    return doc


def _header_parameters(method: str, *, versioned: bool) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "in": "header",
            "name": "Accept-Language",
            "schema": {"type": "string", "enum": ["zh", "en"]},
            "description": "zh or en 中文或英文",
        }
    ]
    if method == "POST":
        parameters.append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string", "maxLength": _KEY_LENGTH},
                "description": "The same key and body give the same answer for 24 hours 幂等键",
            }
        )
    if method in ("PATCH", "DELETE", "POST"):
        parameters.append(
            {
                "in": "header",
                "name": "If-Match",
                "required": versioned,
                "schema": {"type": "string"},
                "description": 'The ETag of the version this is based on, like "3" 所依据版本的 ETag',
            }
        )
    return parameters
