"""A registered use as a page shows it, in the reader's language; ``registered_use.html`` draws it for wallets and registers alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..credentials import CredentialType, Text
from ..trust.register_json import Change, group_label, type_title
from ..trust.registered_use import RegisteredUse


def use_view(use: RegisteredUse, kinds: Sequence[CredentialType], locale: str) -> dict[str, Any]:
    """Empty where nothing is said."""

    def labels(vct: int, numbers: Sequence[int]) -> list[str]:
        return [group_label((vct, number), kinds).in_(locale) for number in numbers]

    asks = [
        {
            "kind": type_title(want.vct, kinds).in_(locale),
            "necessary": labels(want.vct, want.required),
            "optional": labels(want.vct, want.optional),
        }
        for want in use.wants
    ]
    return {
        "id": use.id,
        "title": use.title.in_(locale),
        "purpose": use.purpose.in_(locale).rstrip(". "),
        "asks": asks,
        "retention_days": use.retention_days,
        "privacy_policy": use.privacy_policy,
        "contact": use.contact,
        "benefit": _text(use.benefit, locale),
        "could_stop": _text(use.could_stop, locale),
        "authority": _text(use.authority, locale),
        "authority_contact": use.authority_contact,
        "support": use.support,
        "evidence": use.evidence,
    }


def change_view(change: Change, locale: str) -> dict[str, Any]:
    """What became of one use between two versions."""
    return {
        "title": change.use.title.in_(locale),
        "kind": change.kind,
        "new": [label.in_(locale) for label in change.new],
        "demanded": [label.in_(locale) for label in change.demanded],
        "keeps_longer": change.keeps_longer,
    }


def _text(words: Text | None, locale: str) -> str:
    return "" if words is None else words.in_(locale)
