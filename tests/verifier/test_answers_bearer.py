"""Level 0 at a desk without a network: a document that anybody may hold, and documents that only look so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.desk import BANK
from support.signing import AT
from support.trial_verify import LIST, Answers, Dice, credential, credential_type, issue, material, registry, show, status_token

from shared.codec import base64url
from shared.credentials import CredentialType
from shared.formats import Binding, formats
from shared.keys import KeyId
from shared.ovp import envelope
from shared.verify import Decision, Level
from verifier.answers import judge_parts
from verifier.questions import Questions

FORM = formats()["dc+sd-cwt"]


@pytest.fixture
def extract(monkeypatch: pytest.MonkeyPatch) -> CredentialType:
    """The same type, if its file said bearer."""
    kind = replace(credential_type(), vct="urn:example:extract", vct_int=65_009, bearer=True)
    for module in ("_envelope", "sd_cwt"):
        monkeypatch.setattr(f"shared.formats.{module}.all_types", lambda: {each.vct: each for each in (kind, credential_type())})
    return kind


def text(wire: str) -> bytes:
    return envelope.render_text(envelope.BEARER, base64url.decode(wire)).encode()


def judge(brought: bytes, *kinds: CredentialType) -> Decision:
    known = material(types={each.vct: each for each in (credential_type(), *kinds)})
    lists = Answers({LIST: status_token()})
    return judge_parts([brought], Questions(), entity=BANK, uses=(), material=known, answer=lists, at=AT).judged.decision


def test_a_document_for_bearers_is_level_0_as_often_as_it_is_shown(extract: CredentialType) -> None:
    unsigned = FORM.prepare(credential(type=extract), key=KeyId("issuer"), holder=None, entropy=Dice("extract"))
    decision = judge(text(registry().signer.finish(unsigned)), extract)
    assert (decision.decision, decision.code, decision.level) == ("accepted", "", Level.BEARER)
    assert (decision.line("holder_binding").state, decision.line("holder_binding").code) == ("unchecked", "bearer")
    assert decision.replay_keys == ()


def test_stripped_binding_is_not_bearer_whatever_it_is_called(extract: CredentialType) -> None:
    bound = issue("dc+sd-cwt")
    shown = show(bound, format_name="dc+sd-cwt", paths=(), binding=Binding(audience=f"a:{BANK}", nonce="AAAA"))
    for wire in (bound, shown):
        decision = judge(text(wire), extract)
        assert (decision.decision, decision.code, decision.level) == ("rejected", "not_bound", Level.BEARER)


def test_what_is_no_document_at_all() -> None:
    assert judge(text("oA")).code == "malformed"
