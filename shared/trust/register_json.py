"""Who may ask for what, for people and for programs: JSON by the names of the European register (TS5), and what changed when.

Numbers of kinds of document and of groups become words here; what this installation does not know keeps its numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..codec.reader import get_object, get_str
from ..credentials import CredentialType, Text
from ..inbox import Inbox, check_key
from ..urls import check_https
from .registered_use import RegisteredUse, Registrar, Want, widening

SCHEMA = "urn:muniment:register:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What an organisation had registered from the second ``at`` on; ``n`` counts from 1."""

    n: int
    at: int
    uses: tuple[RegisteredUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one use between two versions: ``kind`` is added, ended, widened, narrowed or reworded."""

    use: RegisteredUse
    kind: str
    new: tuple[Text, ...] = ()
    demanded: tuple[Text, ...] = ()
    keeps_longer: bool = False


def changes(before: Version | None, now: Version, types: Iterable[CredentialType]) -> tuple[Change, ...]:
    """In the order of ``now``, what ended at the end. Compared with nothing, everything was added."""
    known = tuple(types)
    had = {} if before is None else {use.id: use for use in before.uses}
    told = [_change(had.get(use.id), use, known) for use in now.uses]
    ended = [Change(use=use, kind="ended") for name, use in had.items() if name not in {each.id for each in now.uses}]
    return (*(each for each in told if each is not None), *ended)


def _change(before: RegisteredUse | None, now: RegisteredUse, types: Sequence[CredentialType]) -> Change | None:
    if before is None:
        return Change(use=now, kind="added")
    more = widening(before, now)
    if more:
        new, demanded = (tuple(group_label(pair, types) for pair in pairs) for pairs in (more.new, more.demanded))
        return Change(use=now, kind="widened", new=new, demanded=demanded, keeps_longer=more.keeps_longer)
    if widening(now, before):
        return Change(use=now, kind="narrowed")
    return None if before == now else Change(use=now, kind="reworded")


def group_label(pair: tuple[int, int], types: Iterable[CredentialType]) -> Text:
    """A group in words, from the numbers of its kind of document and of itself."""
    vct, number = pair
    for kind in types:
        for group in kind.groups if kind.vct_int == vct else ():
            if group.cwt == number:
                return group.label
    return Text(f"{vct}/{number}", f"{vct}/{number}")


def type_title(vct: int, types: Iterable[CredentialType]) -> Text:
    """A kind of document in words, from its number."""
    return next((kind.title for kind in types if kind.vct_int == vct), Text(str(vct), str(vct)))


def render_party(
    *,
    entity: str,
    name: Text,
    uses: Iterable[RegisteredUse],
    registrar: Registrar | None,
    types: Iterable[CredentialType],
    inbox: Inbox | None = None,
) -> dict[str, Any]:
    """One organisation. Members beside those of TS5 are our own (domain sheet C23)."""
    known = tuple(types)
    found: dict[str, Any] = {
        "identifier": entity,
        "tradeName": render_words(name),
        "intendedUse": [_render_use(use, known) for use in uses],
    }
    if registrar is not None:
        found["registrar"] = {"identifier": registrar.entity, "name": render_words(registrar.name)}
        found |= {"registryURI": registrar.address} if registrar.address else {}
    if inbox is not None:
        found["inbox"] = render_inbox(inbox)
    return found


def _render_use(use: RegisteredUse, types: Sequence[CredentialType]) -> dict[str, Any]:
    authority = None if use.authority is None else {"name": render_words(use.authority), "contact": use.authority_contact}
    members = {
        "intendedUseIdentifier": use.id,
        "title": render_words(use.title),
        "purpose": render_words(use.purpose),
        "privacyPolicy": None if use.privacy_policy is None else [{"policyURI": use.privacy_policy}],
        "credentials": [_render_want(want, types) for want in use.wants],
        "retention_days": use.retention_days,
        "contact": use.contact,
        "benefit_statement": None if use.benefit is None else render_words(use.benefit),
        "could_we_stop_asking": None if use.could_stop is None else render_words(use.could_stop),
        "supervisoryAuthority": authority,
        "supportURI": use.support,
        "evidence_ref": use.evidence,
        "inbox": None if use.inbox is None else render_inbox(use.inbox),
        "lacks": list(use.lacks()),
    }
    return {key: value for key, value in members.items() if value is not None}


def render_inbox(inbox: Inbox) -> dict[str, Any]:
    """Where copies are posted: address and key (JWK)."""
    return {"url": inbox.url, "jwk": dict(inbox.key) | {"kid": inbox.kid}}


def read_inbox(obj: Mapping[str, Any], where: str = "") -> Inbox:
    """The inverse; ``Malformed`` for an address that is none, or a key that nothing can be sealed for."""
    url = get_str(obj, "url", where, max_length=2_000)
    return Inbox(check_https(url, where=f"{where}/url", plain_http=(urlsplit(url).netloc,)), check_key(get_object(obj, "jwk", where)))


def _render_want(want: Want, types: Sequence[CredentialType]) -> dict[str, Any]:
    vct = next((kind.vct for kind in types if kind.vct_int == want.vct), str(want.vct))
    return {
        "vct": vct,
        "title": render_words(type_title(want.vct, types)),
        "necessary": [render_words(group_label((want.vct, number), types)) for number in want.required],
        "optional": [render_words(group_label((want.vct, number), types)) for number in want.optional],
    }


def render_versions(versions: Sequence[Version], types: Iterable[CredentialType]) -> list[dict[str, Any]]:
    """What changed with each version, oldest first; ``versions`` are in that order."""
    known = tuple(types)
    pairs = zip((None, *versions), versions, strict=False)
    return [{"n": now.n, "at": now.at, "changes": [_render_change(each) for each in changes(old, now, known)]} for old, now in pairs]


def _render_change(change: Change) -> dict[str, Any]:
    told: dict[str, Any] = {"intendedUseIdentifier": change.use.id, "change": change.kind}
    if change.kind == "widened":
        told |= {"asks_more": [render_words(each) for each in change.new], "demands_more": [render_words(each) for each in change.demanded]}
        told |= {"keeps_longer": change.keeps_longer}
    return told


def render_words(words: Text) -> list[Mapping[str, str]]:
    """In both languages, each by its name (BCP 47)."""
    return [{"lang": "en", "content": words.en}, {"lang": "cy", "content": words.cy}]
