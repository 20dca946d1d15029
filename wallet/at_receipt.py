"""``muniment-wallet receipt``: take in a receipt that was given by hand for a copy."""

from __future__ import annotations

import argparse
from pathlib import Path

from shared.errors import Malformed
from shared.terminal import REFUSED
from wallet import given
from wallet.app import Host
from wallet.at_terminal import say, with_wallet
from wallet.enter import Opened
from wallet.given_api import told

_WORDS = {"accepted": "They can rely on it.", "rejected": "They do not rely on it", "undecided": "They cannot tell yet"}


def receipt(arguments: argparse.Namespace) -> int:
    """0 where it fits what was sent, 1 where it does not, whatever it says."""
    try:
        data = Path(arguments.file).read_bytes()
    except OSError as error:
        raise Malformed(f"cannot read {arguments.file}: {error.strerror}") from error

    async def work(host: Host, opened: Opened) -> int:
        text = given.receipt_in(data)
        line = await given.find_line(host.means, opened.vault, text) if arguments.line is None else arguments.line
        taken = told(await given.take_in(host.means, opened.vault, line, text))
        if taken.problem:
            say(f"This receipt does not fit what was sent: {taken.problem}")
            return REFUSED
        say(_WORDS[taken.decision] + (f" ({taken.reason_code})." if taken.reason_code else ""))
        if taken.provisional:
            say("Their desk gave it: it is provisional until the organisation confirms it.")
        say(f"Kept on line {taken.seq} of the history.")
        return 0

    return with_wallet(arguments, work)
