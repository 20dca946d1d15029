"""Which key comes next, in words for a page: the same in every service."""

from __future__ import annotations

from typing import Final

from .i18n import N_
from .keyring import Coming

NEXT: Final = {
    Coming.BY_HAND: N_("Another key follows only when somebody says so."),
    Coming.UNTIL: N_("The key that signs now does so until %(moment)s."),
    Coming.LATE: N_("Another key is due, but could not be made: bring the anchor’s keys back. The key that signs now goes on."),
    Coming.UNTOLD: N_("The next key is made, but not published yet: bring the anchor’s keys back."),
    Coming.FROM: N_("The next key is told ahead, so that everybody knows it. It signs from %(moment)s."),
}
"""To be said after what signs nothing, or waits for somebody, has words of its own."""
