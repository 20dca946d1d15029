"""Mdocs by document signers of others (ISO/IEC 18013-5 annex B), from the bytes to the verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.chains import document_signer, iaca
from support.signing import AT, Signer
from support.trial_verify import (
    DAY,
    ISSUER,
    LIST,
    LIVE,
    MADE,
    NONCE,
    VCT,
    Answers,
    decide,
    expectation,
    issue,
    material,
    registry,
    show,
    status_cwt,
    status_token,
)
from support.utopia import DOCTYPE, DS, ELEMENTS, ROOT, SIGNER, UTOPIA, a_list, certified, made, pin

from shared.formats import Handover
from shared.formats.mdoc import FORMAT
from shared.keys import Role
from shared.trust.anchors import Anchor
from shared.verify import Decision, render_verdict

BINDING = replace(LIVE, handover=Handover(response_uri="https://bank.example/r", key_thumbprint=bytes(32)))
OTHER = iaca(common="Erewhon IACA")


def judged(wire: str, *pins: Anchor, listed: Any = None, **changes: Any) -> Decision:
    shown = show(wire, format_name="mso_mdoc", paths=ELEMENTS, binding=BINDING)
    trust = material(*(pins or (pin(),)), **({"certificates": {}} | changes))
    want = replace(expectation(), format="mso_mdoc", binding=BINDING)
    return decide(shown, want=want, trust=trust, answer=Answers({LIST: a_list() if listed is None else listed}))


def test_its_issuer_is_named_by_the_pin() -> None:
    decision = judged(made())
    assert (decision.decision, decision.code) == ("accepted", "")
    [one] = render_verdict(decision)["credentials"]
    assert (one["issuer"], one["issuer_name"], one["vct"], one["format"]) == (ISSUER, "Utopia", VCT, "mso_mdoc")
    assert set(decision.learnt.lists) == {(ISSUER, LIST)}
    named = judged(made(), pin(entity="urn:example:utopia", name="Licences of Utopia"))
    [one] = render_verdict(named)["credentials"]
    assert (one["issuer"], one["issuer_name"]) == ("urn:example:utopia", "Licences of Utopia")
    assert set(named.learnt.lists) == {("urn:example:utopia", LIST)}


def test_a_document_of_another_country_than_its_signer() -> None:
    """As section 9.3.1 of ISO/IEC 18013-5 demands; the trial document says GB."""
    elsewhere = iaca(country=("US",), common="Elsewhere IACA")
    signer = document_signer(elsewhere, key=SIGNER.private, country=("US",))
    decision = judged(made(signer), pin(certificate=elsewhere.ours), listed=a_list(ds=signer))
    assert (decision.decision, decision.code) == ("rejected", "not_entitled")


def test_what_is_announced_is_not_believed() -> None:
    """The name in a document signer's certificate is not that of the issuer."""
    from cryptography import x509

    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("https://bank.example")])
    parsed = FORMAT.parse(made(document_signer(ROOT, key=SIGNER.private, more=[(names, False)])))
    assert (parsed.issuer, parsed.doctype) == ("", DOCTYPE)
    ours = FORMAT.parse(issue("mso_mdoc", seed="ours"))
    assert (ours.issuer, ours.doctype) == (ISSUER, "")


@pytest.mark.parametrize(
    ("pins", "code"),
    [
        ((pin(vcts=("org.iso.18013.5.1.mDL",)),), "not_entitled"),
        ((pin(certificate=OTHER.ours),), "untrusted"),
        ((pin(profile=None),), "untrusted"),
        ((pin(profile=None, entity=None, vcts=None), registry().pin()), "untrusted"),
        ((pin(profile=None, role=Role.RELYING_PARTY), registry().pin()), "untrusted"),
    ],
)
def test_whom_nobody_pinned_for_it(pins: tuple[Anchor, ...], code: str) -> None:
    decision = judged(made(), *pins)
    assert (decision.decision, decision.code, decision.credentials) == ("rejected", code, ())


def test_ours_under_an_authority_of_document_signers() -> None:
    """S1, the other way round: the role of an issuer serves nobody who is pinned for document signers."""
    for wire in (certified(issue("mso_mdoc", by=UTOPIA, seed="other way"), UTOPIA.x5c[0]), issue("mso_mdoc", seed="ours")):
        decision = judged(wire, pin(certificate=UTOPIA.certificate), pin(certificate=registry().certificate))
        assert (decision.decision, decision.code) == ("rejected", "untrusted")


def test_another_format_by_a_document_signer() -> None:
    """Only mdocs: a document of another format with the same certificate names nobody who is trusted."""
    for form in ("dc+sd-jwt", "vc+jwt", "vc+sd-jwt"):
        by = replace(UTOPIA, x5c=(DS,))
        shown = show(issue(form, by=by, seed=form), format_name=form)
        want = replace(expectation(), format=form)
        decision = decide(shown, want=want, trust=material(pin(), certificates={}))
        assert (decision.decision, decision.code) == ("rejected", "untrusted")


@pytest.mark.parametrize(
    "options",
    [
        {"start": AT - 500 * DAY},
        {"country": ("US",)},
        {"start": MADE + 1},
        {"end": MADE + 29 * DAY},
        {"signing_key": Signer.new().private},
    ],
)
def test_a_document_signer_that_is_none(options: dict[str, Any]) -> None:
    """Also one that was not in force when the document was signed, or ends before it."""
    decision = judged(made(document_signer(ROOT, key=SIGNER.private, **options)))
    assert decision.decision == "rejected"
    assert decision.credentials == ()


def test_a_key_that_is_not_the_signers() -> None:
    assert judged(made(document_signer(ROOT))).code == "bad_signature"


# --- status -------------------------------------------------------------------------------------------------------------------------------


def test_a_cancelled_document() -> None:
    decision = judged(made(), listed=a_list({70_001: 1}))
    assert (decision.decision, decision.code) == ("rejected", "revoked")


def test_a_list_by_another_signer_of_the_same_authority() -> None:
    key = Signer.new()
    assert judged(made(), listed=a_list(by=key, ds=document_signer(ROOT, key=key.private))).decision == "accepted"


def foreign_lists() -> dict[str, Any]:
    key = Signer.new()
    return {
        "another authority": a_list(by=key, ds=document_signer(OTHER, key=key.private)),
        "our own registry": status_cwt(bits=1),
        "two bits": a_list(bits=2),
        "no certificate": status_cwt(by=UTOPIA, bits=1, x5c=()),
        "our role": status_cwt(by=UTOPIA, bits=1),
        "a JWT": status_token(by=replace(UTOPIA, x5c=(DS,)), bits=1),
    }


LISTS = foreign_lists()


@pytest.mark.parametrize("how", LISTS)
def test_a_list_that_does_not_speak_for_it(how: str) -> None:
    pins = (pin(), pin(certificate=OTHER.ours), registry().pin())
    decision = judged(made(), *pins, listed=LISTS[how])
    assert (decision.decision, decision.code) == ("undecided", "status_unknown")


def test_no_document_of_ours_is_judged_by_a_list_of_others() -> None:
    decision = judged(issue("mso_mdoc", seed="ours"), registry().pin(), pin(), listed=a_list({70_001: 1}))
    assert (decision.decision, decision.code) == ("undecided", "status_unknown")


def test_a_pack_without_its_owners_word() -> None:
    trust = material(pin()).policy
    sealed = type(trust).sealed(trust.anchors, {})
    assert judged(made(), policy=sealed).code == "snapshot_missing"
    alone = material(pin(without_snapshot=True)).policy
    assert judged(made(), policy=type(trust).sealed(alone.anchors, {})).decision == "accepted"


def test_the_answer_is_to_this_request_alone() -> None:
    shown = show(made(), format_name="mso_mdoc", paths=ELEMENTS, binding=replace(BINDING, nonce=NONCE + "x"))
    want = replace(expectation(), format="mso_mdoc", binding=BINDING)
    assert decide(shown, want=want, trust=material(pin()), answer=Answers({LIST: a_list()})).code == "not_bound"
