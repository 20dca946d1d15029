"""Who asks and why, as it is kept with a request."""

from __future__ import annotations

from shared.errors import Malformed
from shared.openid4vp import IntendedUse, ResolvedRequest
from shared.trust.registered_use import parse_uses
from shared.urls import check_link
from wallet.known_uses import Registration
from wallet.sessions import Asker, Use


def asker_of(resolved: ResolvedRequest) -> Asker:
    """Who asks, and what is doubtful about it."""
    doubt = "" if resolved.signed else "site" if resolved.request.origin else "unsigned"
    client_id = resolved.request.client_id or resolved.request.audience
    return Asker(party=resolved.party, name=resolved.name, proved=resolved.proved, client_id=client_id, doubt=doubt)


def use_of(said: IntendedUse, registration: Registration | None) -> Use:
    """What is registered, where it is; what nobody registers is what they say of themselves."""
    use = None if registration is None or not registration.use else parse_uses(registration.use)[0]
    purpose = said.purpose if use is None else use.purpose
    return Use(
        purpose={"en": purpose.en, "cy": purpose.cy},
        use_id=said.identifier,
        privacy_policy=_page(said.privacy_policy if use is None else use.privacy_policy),
        retention_days=said.retention_days if use is None else use.retention_days,
        claims_kept=said.claims_kept,
        contact=(said.contact if use is None else use.contact) or "",
        how_to_complain=said.how_to_complain or "",
        agreed=said.agreed,
    )


def _page(url: str | None) -> str:
    """An address that a person may follow; anything else is not shown as one."""
    try:
        return "" if url is None else check_link(url)
    except Malformed:
        return ""
