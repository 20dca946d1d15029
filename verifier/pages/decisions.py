"""The log of decisions, as people read it: when, for what, what was decided and why, and which details were shown. Never their values."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from aiohttp import web

from shared.codec import base64url
from shared.credentials import Text, by_id
from shared.openid4vp import category_text, permission_kind
from shared.web import log
from shared.web.entrance import seated
from shared.web.finding import fits, wanted_of
from shared.web.log_site import newest_signed
from shared.web.pages import render
from verifier import inherited, known, permissions, words
from verifier.desk import Desk
from verifier.material import Store
from verifier.pages.inbox import why
from verifier.pages.knowing import LABELS
from verifier.pages.listing import KINDS, title_of
from verifier.pages.seat import spoken
from verifier.receipts import receipt_in
from verifier.sessions import Terms
from verifier.words import N_, Spoken

_PAGE = 50
_SEARCHED = 2_000  # lines that one search goes through; it goes on where it ended
_OF_OTHERS = N_("received by {outgoing}")
_DELETED = N_("Answers deleted: {count}")
_NOT_CARRIED = N_("Its purpose was not handed over.")
_BY_PERMISSION = {
    (permissions.KIND, "accepted"): N_("Told by a permission"),
    (permissions.KIND, "rejected"): N_("Not told: the permission does not allow it"),
    (permissions.WITHDRAWN, "accepted"): N_("A permission was withdrawn"),
}
_SLIP, _BY_SLIP = N_("on paper"), N_("Known by a slip")
_TO = N_("to {recipient}")
_ROLES = {"desk": N_("the desk"), "program": N_("a program"), "inbox": N_("the inbox")}


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    app.router.add_get("/desk/decisions", seated(Decisions(desk).show))


class Decisions:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: web.Request) -> web.StreamResponse:
        before = request.query.get("before", "")
        start = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 2**53 - 1
        talk, wanted = spoken(request), wanted_of(request.query)
        lines = await self._desk.storage.read(lambda tx: log.page(tx, before=start, limit=_SEARCHED if wanted else _PAGE))
        head = await self._desk.storage.read(log.head)
        told = (self._row(each, talk) | {"receipt": receipt_in(each)} for each in lines)
        rows = list(islice((row for row in told if not wanted or fits(wanted, _texts(row))), _PAGE))
        last = rows[-1]["number"] if len(rows) == _PAGE else lines[-1].number if lines else 0
        return await render(
            request,
            "desk/decisions.html",
            rows=rows,
            wanted=wanted,
            looked=(lines[0].number, last) if lines else None,
            size=head.size,
            head=base64url.encode(head.digest),
            signed=await self._desk.storage.read(newest_signed),
            older=last if last > 1 else 0,
            newer=bool(before),
            days=self._desk.settings.log_days,
        )

    def _row(self, line: log.Line, talk: Spoken) -> dict[str, Any]:
        entry = line.entry.entry
        if entry is None:
            return {"number": line.number, "at": line.at, "gone": True}
        if entry["kind"] == inherited.KIND:
            return self._deletion(line, entry, talk)
        if entry["kind"] in {permissions.KIND, permissions.WITHDRAWN}:
            return _by_permission(line, entry, talk)
        if entry["kind"] == known.SLIP:
            return _by_slip(line, entry, talk)
        return {
            "number": line.number,
            "at": line.at,
            "gone": False,
            "title": self._title(entry, talk),
            "kind": talk.translate(KINDS[entry["kind"]]),
            "decision": entry["decision"],
            "verdict": talk.translate(words.VERDICTS[entry["decision"]]),
            "why": why(entry["reason_code"], talk),
            "by": talk.translate(_ROLES[entry["staff_role"]]),
            "details": self._labels(entry, talk),
        }

    def _deletion(self, line: log.Line, entry: Any, talk: Spoken) -> dict[str, Any]:
        """What went because its purpose was not handed over."""
        return {
            "number": line.number,
            "at": line.at,
            "gone": False,
            "title": self._title(entry, talk),
            "kind": talk.translate(_OF_OTHERS).format(outgoing=entry["outgoing"]),
            "verdict": talk.translate(_DELETED).format(count=entry["count"]),
            "why": talk.translate(_NOT_CARRIED),
            "by": talk.translate(_ROLES["program"]),
            "details": [],
        }

    def _title(self, entry: Any, talk: Spoken) -> str:
        for use in self._desk.uses():
            if use.query.id == entry["intendedUseIdentifier"]:
                return use.query.title.in_(talk.locale)
        terms = Terms(kind=entry["kind"], purpose_id=entry["intendedUseIdentifier"], purpose=Text("", ""))
        return entry["intendedUseIdentifier"] or title_of(terms, self._desk, talk)

    def _labels(self, entry: Any, talk: Spoken) -> list[str]:
        """The names in the log as the kind of document calls them."""
        kinds = [self._desk.types[vct] for vct in entry["vct"] if vct in self._desk.types]
        labels = {
            "/".join(part for part in claim.path if part is not None): claim.label.in_(talk.locale)
            for kind in kinds
            for claim in kind.leaves
        }
        shown = entry["claim_paths"]
        return [label for name, label in labels.items() if name in shown] + [name for name in shown if name not in labels]


def _texts(row: Mapping[str, Any]) -> list[str]:
    """What a line says; one whose time is over says nothing any more but its number."""
    return [
        str(row["number"]),
        *(row.get(name, "") for name in ("receipt", "title", "kind", "verdict", "why", "by")),
        *row.get("details", ()),
    ]


def _by_slip(line: log.Line, entry: Mapping[str, Any], talk: Spoken) -> dict[str, Any]:
    """Somebody without a wallet was known again."""
    return {
        "number": line.number,
        "at": line.at,
        "gone": False,
        "title": by_id(known.KNOWN).title.in_(talk.locale),
        "kind": talk.translate(_SLIP),
        "decision": entry["decision"],
        "verdict": talk.translate(_BY_SLIP),
        "why": "",
        "by": talk.translate(_ROLES[entry["staff_role"]]),
        "details": [talk.translate(LABELS[name]) for name in entry["claim_paths"]],
    }


def _by_permission(line: log.Line, entry: Mapping[str, Any], talk: Spoken) -> dict[str, Any]:
    """What was told to somebody else, or was not, by a holder's permission."""
    return {
        "number": line.number,
        "at": line.at,
        "gone": False,
        "title": permission_kind().title.in_(talk.locale),
        "kind": talk.translate(_TO).format(recipient=entry["recipient"]),
        "decision": entry["decision"],
        "verdict": talk.translate(_BY_PERMISSION[entry["kind"], entry["decision"]]),
        "why": "",
        "by": talk.translate(_ROLES[entry["staff_role"]]),
        "details": [category_text(code, talk.locale) for code in entry["claim_paths"]],
    }
