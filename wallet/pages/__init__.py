"""The wallet's pages. Forms work without JavaScript; a page says what will happen before it happens."""

from __future__ import annotations

from aiohttp import web

from shared.web.i18n import N_
from shared.web.pages import Link, use_pages
from wallet.pages.above import AbovePages
from wallet.pages.asking import AskingPages
from wallet.pages.collecting import CollectingPages
from wallet.pages.copies import CopyPages
from wallet.pages.corrections import CorrectionPages
from wallet.pages.desk import Desk
from wallet.pages.documents import DocumentPages
from wallet.pages.donor import DonorPages
from wallet.pages.entry import EntryPages
from wallet.pages.given import GivenPages
from wallet.pages.hand_in import HandInPages
from wallet.pages.issuers import IssuerPages
from wallet.pages.locked import LockedPages
from wallet.pages.moving import MovingPages
from wallet.pages.past import HistoryPages
from wallet.pages.permissions import PermissionPages
from wallet.pages.phone import PhonePages
from wallet.pages.settings import SettingsPages
from wallet.pages.statement import StatementPages
from wallet.pages.tell import TellPages
from wallet.pages.trusting import pinning
from wallet.pages.viewing import ViewPages
from wallet.pages.who import WhoPages

__all__ = ["Desk", "add_pages"]

NAVIGATION = (
    Link(N_("Documents"), "/"),
    Link(N_("Collect"), "/receive"),
    Link(N_("Show"), "/present"),
    Link(N_("Tell"), "/tell"),
    Link(N_("Copies"), "/copies"),
    Link(N_("History"), "/history"),
    Link(N_("Who may ask"), "/who"),
    Link(N_("Settings"), "/settings"),
)


def add_pages(app: web.Application, desk: Desk) -> None:
    """Register every page."""
    use_pages(app, package="wallet.web", title=N_("Wallet"), navigation=NAVIGATION)
    groups = (
        CollectingPages,
        IssuerPages,
        DocumentPages,
        DonorPages,
        AskingPages,
        CopyPages,
        CorrectionPages,
        LockedPages,
        TellPages,
        HandInPages,
        PermissionPages,
        HistoryPages,
        GivenPages,
        StatementPages,
        WhoPages,
        PhonePages,
        MovingPages,
        SettingsPages,
        AbovePages,
    )
    for part in (EntryPages, *groups):
        part(desk).add_to(app)
    pinning(desk).add_to(app)
    ViewPages(desk).add_to(app)
