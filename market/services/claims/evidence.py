"""What speaks for a claim: a mail address that the record itself names or a member's in the organisation's domain, an
ORCID that its provider vouched for, or a document, of which only people can judge."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import idna
from publicsuffixlist import PublicSuffixList
from sqlmodel import Session, col, func, or_, select

from market.models import Expert, Listing, Organisation, User
from market.services.rights.access import Principal
from schemas.messages import Message

WORDS = {
    "mail_of_organisation": Message(
        "A confirmed mail address in a domain of the organisation.", "已确认的邮箱属于该机构域名。"
    ),
    "mail_unconfirmed": Message("The mail address is not confirmed.", "邮箱尚未确认。"),
    "mail_public": Message("The mail address is of a public provider.", "邮箱来自公共邮箱服务。"),
    "mail_elsewhere": Message(
        "The mail address is in no domain of the organisation.", "邮箱不属于该机构的任何域名。"
    ),
    "member": Message("A member of the organisation.", "是该机构成员。"),
    "no_member": Message("No member of the organisation.", "不是该机构成员。"),
    "name_equal": Message("The account's name is the profile's.", "账户姓名与资料姓名一致。"),
    "name_differs": Message("The account's name is not the profile's.", "账户姓名与资料姓名不一致。"),
    "name_shared": Message("Another profile of the organisation has this name.", "该机构另有同名资料。"),
    "address_equal": Message("The account's address is the profile's contact.", "账户邮箱即资料所载联系邮箱。"),
    "address_shared": Message(
        "The account's address is the contact of several profiles.", "账户邮箱同为多份资料的联系邮箱。"
    ),
    "address_differs": Message("The profile does not name the account's address.", "资料未载有账户邮箱。"),
    "orcid_equal": Message("The ORCID iD of the account is the profile's.", "账户的 ORCID 与资料一致。"),
    "disputed": Message("Somebody holds it already.", "已有持有人。"),
    "would_move": Message("It would move to another organisation.", "将转至其他机构。"),
}
"""Findings by their code."""

_MEMBERS = frozenset({"member", "organisation_admin"})
# Whoever asks gets an address there, so it says nothing of where they work.
_PROVIDERS = """
    126.com 139.com 163.com 188.com 189.cn 21cn.com aliyun.com aol.com foxmail.com gmail.com gmx.com gmx.de
    googlemail.com hotmail.com icloud.com live.cn live.com mail.com mail.ru me.com msn.com outlook.com proton.me
    protonmail.com qq.com sina.cn sina.com sohu.com tom.com vip.163.com vip.qq.com vip.sina.com wo.cn yahoo.com
    yahoo.com.cn yandex.com yandex.ru yeah.net zoho.com
"""
_PUBLIC = frozenset(_PROVIDERS.split())


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the evidence speaks for itself, and what was found."""

    holds: bool
    codes: tuple[str, ...] = ()


def examine(
    session: Session, actor: Principal, user: User, listing: Listing, organisation: Organisation, kind: str
) -> Finding:
    """What an account's evidence of this kind is worth for a listing of this organisation."""
    if kind == "mail_domain":
        return _by_mail(session, actor, user, listing, organisation)
    if kind == "orcid":
        theirs = listing.orcid if isinstance(listing, Expert) else ""
        return Finding(True, ("orcid_equal",)) if theirs and user.orcid == theirs else Finding(False)
    return Finding(False)


def _by_mail(session: Session, actor: Principal, user: User, listing: Listing, organisation: Organisation) -> Finding:
    confirmed = user.email_verified_at is not None
    mail = address(user.email, organisation.mail_domains) if confirmed else "mail_unconfirmed"
    person = _of_person(session, user, listing) if isinstance(listing, Expert) else _of_member(actor, organisation)
    holds = mail == "mail_of_organisation" and person in _DECIDING and organisation.active
    return Finding(holds, (mail, *person))


# Everybody there has an address in the domain, and gives themselves a name: both together are no professor yet.
_DECIDING = (("member",), ("name_equal", "address_equal"))


def _of_member(actor: Principal, organisation: Organisation) -> tuple[str, ...]:
    return ("no_member",) if _MEMBERS.isdisjoint(actor.roles_in(organisation.id)) else ("member",)


def _of_person(session: Session, user: User, listing: Expert) -> tuple[str, ...]:
    return _by_name(session, user, listing), _by_contact(session, user, listing)


def _by_contact(session: Session, user: User, listing: Expert) -> str:
    """Whether the profile names this very address, confirmed as the account's own, as no other profile does."""
    theirs = user.email.casefold()
    if user.email_verified_at is None or listing.contact_email.casefold() != theirs:
        return "address_differs"
    others = select(Expert.id).where(Expert.id != listing.id, func.lower(col(Expert.contact_email)) == theirs)
    shared = session.exec(others.where(col(Expert.merged_into).is_(None)).limit(1)).first() is not None
    return "address_shared" if shared else "address_equal"


def address(email: str, domains: Collection[str]) -> str:
    """Where a mail address is, against an organisation's domains; as a finding's code."""
    domain = _domain(email.rpartition("@")[2])
    if _within(domain, _PUBLIC):
        return "mail_public"
    theirs = {_domain(one) for one in domains} - {""}
    own = {one for one in theirs if one not in _PUBLIC and not _shared_by_many().is_public(one)}
    return "mail_of_organisation" if domain and _within(domain, own) else "mail_elsewhere"


@lru_cache
def _shared_by_many() -> PublicSuffixList:
    """The domains below which strangers register their own: one of them owns none of these. Read at the first use,
    as that takes a fifth of a second."""
    return PublicSuffixList()


def _within(domain: str, domains: Collection[str]) -> bool:
    """Whether it is one of these, or below one."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in domains for start in range(len(labels)))


def _domain(text: str) -> str:
    """In ASCII, as mail servers know it; empty for what is no domain."""
    try:
        return idna.encode(text.strip().rstrip("."), uts46=True, transitional=False).decode().lower()
    except idna.IDNAError:
        return ""


def _by_name(session: Session, user: User, listing: Expert) -> str:
    name = plain(user.name)
    if not name or name not in (plain(listing.name_zh), plain(listing.name_en)):
        return "name_differs"
    return "name_shared" if _shared(session, listing) else "name_equal"


def _shared(session: Session, listing: Expert) -> bool:
    """Whether the organisation has another profile of the same name."""
    same = [col(Expert.name_zh) == listing.name_zh] if listing.name_zh else []
    if listing.name_en:
        same.append(func.lower(col(Expert.name_en)) == listing.name_en.lower())
    others = select(Expert.id).where(
        Expert.organisation_id == listing.organisation_id, Expert.id != listing.id, or_(*same)
    )
    return session.exec(others.where(col(Expert.merged_into).is_(None)).limit(1)).first() is not None


def plain(name: str) -> str:
    """A name without what people write now so, now otherwise: width, capitals, accents, spaces, points, commas."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    return "".join(one for one in folded if unicodedata.category(one)[0] in "LN")
