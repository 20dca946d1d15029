"""The log of a relying party of the small world, as it publishes it, and as it rewrites it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from support.trial_verify import Dice
from support.world import Party

from shared.flow import Fetch, Fetched
from shared.keys import KeyId, Role
from shared.log_heads import SignedHead, prepare_log_head, render_commitments, render_heads
from shared.receipts import EMPTY_HEAD, LogEntry, LogHead, commit, extend


@dataclass
class Book:
    """``party`` names in each receipt where its log stands once ``open`` was called; ``asked`` is what of the log was fetched."""

    party: Party
    entries: list[LogEntry] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answer: Callable[[Fetch], Fetched | None] = lambda _: None

    @property
    def head(self) -> LogHead:
        now = LogHead(size=0, digest=EMPTY_HEAD)
        for entry in self.entries:
            now = extend(now, entry)
        return now

    def enter(self, what: str) -> LogHead:
        self.entries.append(commit({"decision": what}, entropy=Dice(f"{what} {len(self.entries)}")))
        return self.head

    def open(self) -> Book:
        """From now on its answers name the log, and the log can be fetched."""
        self.party.says = self._says
        return self

    def rewrite(self, keep: int = 0) -> None:
        """Everything after the first ``keep`` entries becomes something else."""
        self.entries[keep:] = [commit({"decision": "other"}, entropy=Dice(f"other {place}")) for place in range(len(self.entries) - keep)]

    def sign(self, head: LogHead | None = None) -> None:
        """The head of the day."""
        said = SignedHead(entity=self.party.entity, at=self.party.clock(), head=head or self.head)
        unsigned = prepare_log_head(said, role=Role.RELYING_PARTY, key=KeyId("relying-party"), x5c=self.party.by.x5c)
        self.tokens.append(self.party.by.signer.finish(unsigned))

    def _says(self, fetch: Fetch) -> Fetched:
        parts = urlsplit(fetch.url)
        if "/log/" not in parts.path:
            self.party.receipt_changes["log_head"] = self.enter("accepted")
            request = self.party.requests[parts.path.rpartition("/")[2]]
            return self.party._response(fetch, request)
        self.asked.append(f"{parts.path}?{parts.query}".rstrip("?"))
        instead = self.answer(fetch)
        if instead is not None:
            return instead
        if parts.path == "/log/heads":
            return Fetched(status=200, body=render_heads(self.tokens[::-1][:31], None))
        asked = {name: int(value) for name, value in parse_qsl(parts.query)}
        found = [each.commitment for each in self.entries[asked["from"] - 1 : asked["to"]]]
        return Fetched(status=200, body=render_commitments(asked["from"], found))
