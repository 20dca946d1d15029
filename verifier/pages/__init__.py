"""The pages of the organisation: the desk for its staff, and the page behind a request for everybody."""

from __future__ import annotations

from aiohttp import web

from shared.web.i18n import N_
from shared.web.pages import Link, use_pages
from shared.web.problem import HTML, speak
from verifier.desk import Desk
from verifier.material import Store
from verifier.pages import (
    above,
    acting,
    asking,
    bringing,
    decisions,
    digital,
    entrance,
    giving,
    inbox,
    knowing,
    matching,
    members,
    packs,
    passing,
    permissions,
    public,
    receipt,
    registered,
    scan,
    standing,
    trusting,
    webhook,
)

NAVIGATION = (
    Link(N_("Start"), "/desk/"),
    Link(N_("Ask for a document"), "/desk/ask"),
    Link(N_("Check a copy"), "/desk/copies"),
    Link(N_("Post"), "/desk/inbox"),
    Link(N_("Check without a network"), "/desk/scan/desks"),
    Link(N_("Who we trust"), "/desk/trust"),
    Link(N_("Permissions"), "/desk/permissions"),
    Link(N_("Why we ask"), "/desk/uses"),
    Link(N_("Decisions"), "/desk/decisions"),
)


def add_pages(app: web.Application, desk: Desk, store: Store) -> None:
    """Register every page of the verifier."""
    use_pages(app, package="verifier.web", title=N_("Checking desk"), navigation=NAVIGATION, home="/desk/")
    speak(app, HTML, "/", "/desk", "/request", "/register")
    for part in (
        entrance,
        asking,
        acting,
        bringing,
        inbox,
        passing,
        standing,
        receipt,
        giving,
        knowing,
        permissions,
        trusting,
        above,
        matching,
        members,
        packs,
        decisions,
        scan,
        webhook,
        digital,
        public,
        registered,
    ):
        part.add_to(app, desk, store)
