"""What a holder said is wrong in a document, as a wallet keeps it. Stored sealed (``keep.Vault``); instants are seconds since the epoch."""

from __future__ import annotations

import msgspec


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What the holder said is wrong in a document: ``detail`` is the name of the claim, ``key`` the very one as on the card,
    ``words`` are the holder's.

    ``state`` is waiting (to be sent), unsent (the office will not take it), open, corrected, refused, ended (the document is over) or forgotten
    (no answer comes any more). ``sealed`` is what is posted to ``endpoint``, empty once it was taken, ``digest`` its SHA-256; ``ticket`` asks for the ``answer`` (as it came), which says ``reference`` and ``answer_by``,
    and in the end ``reason``, the office's words (``told``) and where one can complain. ``problem`` is the error code of the last try.
    """

    at: int
    document: str
    issuer: str
    issuer_name: str
    detail: str
    words: str
    endpoint: str
    ticket: bytes
    sealed: str
    digest: bytes
    next_at: int
    state: str = "waiting"
    reference: str = ""
    answer_by: int = 0
    answered_at: int = 0
    reason: str = ""
    told: str = ""
    how_to_complain: str = ""
    answer: str = ""
    problem: str = ""
    key: str = ""

    @property
    def final(self) -> bool:
        """Whether nothing more comes."""
        return self.state in {"unsent", "corrected", "refused", "ended", "forgotten"}
