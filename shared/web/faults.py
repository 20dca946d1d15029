"""What a person reads when something did not work: what happened, and what to do next. Never a developer's word, never a detail of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from .. import errors
from ..errors import VcError
from .i18n import N_


@dataclass(frozen=True, slots=True)
class Fault:
    """``title`` is the heading; ``what`` and ``next`` are sentences, marked with ``N_`` and translated by the page."""

    title: str
    what: str
    next: str = ""


FAULTS: web.AppKey[dict[str, Fault]] = web.AppKey("FAULTS")
"""A service's own words by error code; they come before ours."""

_BY_CODE = {
    "cross_site_refused": Fault(
        N_("We did not do that"),
        N_("The form you sent was not made for you, or you were signed out since you opened it. Nothing was changed."),
        N_("Go back, load the page again, and send the form once more."),
    ),
    "sign_in_required": Fault(
        N_("Sign in first"), N_("You need to be signed in to see this page."), N_("Sign in, then open the page again.")
    ),
    "address_refused": Fault(
        N_("We did not open that link"),
        N_("The link leads to an address that this service does not call."),
        N_("Check that the link comes from an organisation you know. If you are sure that it is right, tell them about this message."),
    ),
    "untrusted": Fault(
        N_("We do not know who this is from"),
        N_("Nobody that this service trusts vouches for the organisation behind this."),
        N_("Do not go on unless you can find out by other means who is asking."),
    ),
}
_BY_STATUS = {
    400: Fault(
        N_("Something in that request was not right"),
        N_("What we received could not be used, so nothing was changed."),
        N_("Go back and try again. If you followed a link or scanned a code, ask for a new one."),
    ),
    401: Fault(N_("Sign in first"), N_("You need to be signed in to see this page."), N_("Sign in, then open the page again.")),
    403: Fault(
        N_("You cannot do that here"),
        N_("Your account is not allowed to do this. Nothing was changed."),
        N_("If you need to do this, ask whoever looks after your account."),
    ),
    404: Fault(
        N_("Page not found"),
        N_("There is nothing at this address. The link may have been used already, or be too old."),
        N_("If you typed the address, check it. If you followed a link, ask whoever sent it for a new one."),
    ),
    405: Fault(N_("Page not found"), N_("This page cannot be used in that way."), N_("Go back and try again.")),
    409: Fault(
        N_("This was changed in the meantime"),
        N_("What you asked for does not fit how things stand now. Nothing was changed."),
        N_("Load the page again to see how things stand, then decide."),
    ),
    413: Fault(
        N_("That file is too large"),
        N_("What you sent is larger than this page takes."),
        N_("Send a smaller file, for example a picture that shows only the square code."),
    ),
    415: Fault(
        N_("We cannot read that kind of file"),
        N_("What you sent is not of a kind that this page takes."),
        N_("Send a picture (PNG or JPEG) or the file that you were given."),
    ),
    421: Fault(N_("Wrong address"), N_("This service does not go by that name."), N_("Use the address that you were given.")),
    429: Fault(
        N_("Too many tries"),
        N_("This was tried too often in a short time."),
        N_("Wait a few minutes, then try again."),
    ),
    503: Fault(
        N_("Something we need is not answering"),
        N_("This is a problem on our side or at another organisation. Nothing was changed."),
        N_("Try again in a minute."),
    ),
}
_BUG = Fault(
    N_("Sorry, there is a problem"),
    N_("Something went wrong on our side."),
    N_("Try again later. If it happens again, tell us the reference below."),
)


def fault_of(request: web.Request, error: VcError) -> Fault:
    """The words for ``error``: the service's own for its code, ours for its code, else ours for its status."""
    own = request.config_dict.get(FAULTS, {})
    return own.get(error.code) or _BY_CODE.get(error.code) or _BY_STATUS.get(error.status) or _BUG


@dataclass(frozen=True, slots=True)
class Code:
    """A row of the table of error codes, for developers."""

    code: str
    error: str
    status: int
    doc: str


def codes() -> list[Code]:
    """All error classes that we know, by code."""
    kinds = {kind.code: kind for kind in _tree(VcError)}
    return [Code(kind.code, kind.error, kind.status, _doc(kind)) for _, kind in sorted(kinds.items())]


def _tree(kind: type[VcError]) -> Iterator[type[VcError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def _doc(kind: type[VcError]) -> str:
    own = vars(kind).get("__doc__") or ""
    words = own or kind.code.replace("_", " ").capitalize() + "."
    return " ".join(words.split())


__all__ = ["FAULTS", "Code", "Fault", "codes", "errors", "fault_of"]
