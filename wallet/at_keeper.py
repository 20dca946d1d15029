"""``muniment-wallet keeper``: read who keeps the record of a document now, and say that it is known."""

from __future__ import annotations

import argparse
import sys

from shared.errors import Missing
from shared.terminal import REFUSED
from wallet.app import Host
from wallet.at_terminal import say, with_wallet
from wallet.enter import Opened
from wallet.keepers import acknowledge, keeper_of, told
from wallet.records import DOCUMENTS


def keeper(arguments: argparse.Namespace) -> int:
    """0 known, 1 not."""

    async def work(host: Host, opened: Opened) -> int:
        item = await host.means.storage.read(lambda tx: DOCUMENTS.get(tx, opened.vault, arguments.document))
        found = keeper_of(host.means.trust(), item.value, host.means.clock())
        if found is None:
            raise Missing("nobody took over from the office that made this document")
        say(told(found))
        if note := found.note["en"]:
            say(f"They say: {note}")
        if found.agreed:
            return 0
        if not _known(arguments):
            say(
                "The document is shown to nobody, and no new copies are fetched." if found.asks else "No new copies are fetched from there."
            )
            return REFUSED
        await acknowledge(host.means, opened.vault, item.id, found.statement)
        say("Known. New copies come from there once the office that made the document does not answer.")
        return 0

    return with_wallet(arguments, work)


def _known(arguments: argparse.Namespace) -> bool:
    if arguments.yes:
        return True
    if not sys.stdin.isatty():
        say("Add --yes to say that this is known.")
        return False
    return input("Go on with it? [y/N] ").strip().lower() in {"y", "yes"}
