"""The pages of the office: the console for operators, and the page behind an invitation for everybody."""

from __future__ import annotations

from aiohttp import web

from issuer.office import Office
from issuer.pages import (
    approving,
    collecting,
    correcting,
    corrections,
    documents,
    donor,
    entrance,
    events,
    federated,
    federation,
    invitation,
    keys,
    losing,
    making,
    many,
    register,
    settings,
    successions,
    trusting,
)
from shared.web.i18n import N_
from shared.web.pages import Link, use_pages
from shared.web.problem import HTML, speak

NAVIGATION = (
    Link(N_("Start"), "/console/"),
    Link(N_("Make a document"), "/console/make"),
    Link(N_("Documents"), "/console/documents"),
    Link(N_("Settings"), "/console/settings"),
)


def add_pages(app: web.Application, office: Office) -> None:
    """Register every page of the issuer."""
    links = (*NAVIGATION, Link(N_("Federation"), federation.PATH)) if federation.is_member(office) else NAVIGATION
    links = (*links, Link(N_("Who may ask"), register.PATH)) if office.settings.superior else links
    use_pages(app, package="issuer.web", title=N_("Issuing office"), navigation=links, home="/console/")
    speak(app, HTML, "/", "/console", "/offer", federated.PATH, register.PUBLIC)
    for part in (
        entrance,
        making,
        documents,
        donor,
        many,
        settings,
        keys,
        invitation,
        collecting,
        approving,
        correcting,
        corrections,
        losing,
        events,
        federation,
        federated,
        register,
        successions,
        trusting,
    ):
        part.add_to(app, office)
