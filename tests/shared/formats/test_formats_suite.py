"""Every format of the installation runs through these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forge import (
    AUTHORITY,
    BINDING,
    DAY,
    ENDS,
    HOLDER,
    ISSUER,
    ISSUER_URI,
    LEAF,
    LPA_1,
    MADE,
    REPRESENTATION,
    ROOT,
    STATUS,
    STRANGER,
    b64,
    credential,
    entropy,
    issue,
    lpa,
    show,
    unb64,
)
from support.signing import AT, Signer, anchor, leaf

from shared.cose import encode_sign1, parse_sign1
from shared.cose.sign1 import to_sign
from shared.credentials import ClaimPath, CredentialType
from shared.errors import (
    AlgorithmRefused,
    BadSignature,
    Expired,
    Malformed,
    NotBound,
    NotYetValid,
    PurposeMismatch,
    Rejected,
    StaleBinding,
    TooLarge,
    VcError,
    WrongAudience,
    WrongNonce,
    WrongTyp,
)
from shared.formats import BearerType, CredentialFormat, Parsed, formats
from shared.keys import KeyId, Role, check_role

FORMATS = pytest.mark.parametrize("form", list(formats().values()), ids=list(formats()))
MDOC = "mso_mdoc"  # what its device signs has neither a time nor words of its own, nor a place to read the rest from: see ``test_mdoc``
OTHERS = pytest.mark.parametrize("form", [form for form in formats().values() if form.name != MDOC], ids=lambda form: form.name)


def everything(form: CredentialFormat, parsed: Parsed) -> Sequence[ClaimPath]:
    """Paths that agree to all there is."""
    if form.name == MDOC:
        return [(REPRESENTATION.doctype,)]
    return [("credentialSubject",)] if form.name in {"vc+jwt", "vc+sd-jwt"} else [(name,) for name in form.peek(parsed).claims]


def install(monkeypatch: pytest.MonkeyPatch, rules: CredentialType) -> None:
    """As if ``rules`` were the one type of this installation."""
    for module in ("_envelope", "sd_jwt_vc", "_vcdm", "vc_jose", "vc_sd_jwt", "sd_cwt", "mdoc"):
        monkeypatch.setattr(f"shared.formats.{module}.all_types", lambda: {rules.vct: rules})


def presented(form: CredentialFormat, wire: str | None = None, **options: Any) -> str:
    parsed = form.parse(wire or issue(form))
    return show(form, form.disclose(parsed, everything(form, parsed)), **options)


def verify(form: CredentialFormat, wire: str, **changes: Any) -> Any:
    at = changes.pop("at", AT)
    return form.verify(form.parse(wire), changes.pop("issuer", ISSUER.public), binding=replace(BINDING, **changes), at=at)


def test_three_formats_are_there() -> None:
    assert set(formats()) >= {"dc+sd-jwt", "vc+jwt", "dc+sd-cwt", MDOC}


@FORMATS
def test_round_trip(form: CredentialFormat) -> None:
    parsed = form.parse(issue(form))
    assert (parsed.format, parsed.vct, parsed.issuer, parsed.status) == (form.name, REPRESENTATION.vct, ISSUER_URI, STATUS)
    assert parsed.binding_token is None
    peeked = form.peek(parsed)
    assert peeked.claims == LPA_1
    assert (peeked.issued_at, peeked.expires_at, peeked.holder) == (MADE, ENDS, HOLDER.public)
    received = form.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=AT)
    assert received.claims == LPA_1
    wire = presented(form)
    shown = form.parse(wire)
    assert shown.wire == wire
    assert shown.binding_token is not None
    facts = verify(form, wire)
    assert facts.claims == LPA_1
    assert (facts.vct, facts.issuer, facts.status, facts.holder) == (REPRESENTATION.vct, ISSUER_URI, STATUS, HOLDER.public)
    assert (facts.issued_at, facts.expires_at) == (MADE, ENDS)
    assert facts.binding_claims["aud"] == BINDING.audience
    assert len(facts.signing_input_digest) == 32
    assert facts.signing_input_digest != received.signing_input_digest
    again = replace(BINDING, nonce="bank-nonce-9876543210A")
    told = form.verify(form.parse(presented(form, binding=again)), ISSUER.public, binding=again, at=AT)
    assert told.signing_input_digest != facts.signing_input_digest
    assert form.peek(shown).claims == LPA_1


@FORMATS
@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_algorithms_of_issuer_and_holder(form: CredentialFormat, alg: str) -> None:
    issuer, holder = Signer.new(alg), Signer.new(alg)
    x5c = (leaf(issuer, ROOT, AUTHORITY, uri=ISSUER_URI),) if form.name == MDOC else ()
    unsigned = form.prepare(credential(alg=alg, x5c=x5c), key=KeyId("issuer"), holder=holder.public, entropy=entropy())
    check_role(Role.CREDENTIAL_ISSUER, unsigned.typ)
    parsed = form.parse(issuer.finish(unsigned))
    binding = form.present(form.disclose(parsed, everything(form, parsed)), BINDING, key=KeyId("holder"), at=AT, alg=alg)
    check_role(Role.HOLDER, binding.typ)
    assert form.verify(form.parse(holder.finish(binding)), issuer.public, binding=BINDING, at=AT).claims == LPA_1


@FORMATS
def test_algorithms_outside_the_list(form: CredentialFormat) -> None:
    with pytest.raises(AlgorithmRefused):
        form.prepare(credential(alg="HS256", x5c=(LEAF,)), key=KeyId("issuer"), holder=HOLDER.public, entropy=entropy())
    with pytest.raises(AlgorithmRefused):
        form.present(form.parse(issue(form)), BINDING, key=KeyId("holder"), at=AT, alg="none")
    with pytest.raises(AlgorithmRefused):
        verify(form, presented(form), issuer=Signer.new("ES384").public)
    with pytest.raises(BadSignature):
        form.prepare(credential(x5c=(LEAF,)), key=KeyId("issuer"), holder=HOLDER.public, entropy=entropy()).complete(b"short")


@FORMATS
def test_certificates_travel_in_the_header(form: CredentialFormat) -> None:
    ca, ca_key = Signer.new(), Signer.new()
    root = anchor(ca, at=AT)
    certificate = leaf(ISSUER, root, ca, uri=ISSUER_URI)
    parsed = form.parse(issue(form, x5c=(certificate,)))
    assert parsed.x5c == (certificate,)
    assert form.parse(parsed.wire).x5c == (certificate,)
    assert form.parse(issue(form)).x5c == ((LEAF,) if form.name == MDOC else ())
    assert ca_key.public != ca.public


@FORMATS
def test_tampering_with_each_segment(form: CredentialFormat) -> None:
    wire = presented(form)
    separators = [at for at, char in enumerate(wire) if char in ".~,"]
    starts = [0, *(at + 1 for at in separators)]
    for start in starts:
        spot = min(start + 5, len(wire) - 1)
        for spoilt in (wire[:spot] + ("A" if wire[spot] != "A" else "B") + wire[spot + 1 :], wire[:start] + wire[start + 1 :]):
            with pytest.raises((Malformed, Rejected)):
                verify(form, spoilt)


@FORMATS
def test_another_issuer(form: CredentialFormat) -> None:
    with pytest.raises(BadSignature):
        verify(form, presented(form), issuer=STRANGER.public)
    with pytest.raises(BadSignature):
        form.check_received(form.parse(issue(form)), STRANGER.public, holder=HOLDER.public, at=AT)


@FORMATS
def test_stripped_binding_is_not_bearer(form: CredentialFormat) -> None:
    wire = issue(form)
    for binding in (BINDING, BearerType(vct=REPRESENTATION.vct), BearerType(vct="urn:other")):
        with pytest.raises(NotBound):
            form.verify(form.parse(wire), ISSUER.public, binding=binding, at=AT)
    with pytest.raises(NotBound):
        form.verify(form.parse(presented(form)), ISSUER.public, binding=BearerType(vct=REPRESENTATION.vct), at=AT)


@FORMATS
def test_a_binding_by_another_key(form: CredentialFormat) -> None:
    with pytest.raises(NotBound):
        verify(form, presented(form, holder=STRANGER))
    with pytest.raises(NotBound):
        verify(form, presented(form, holder=Signer.new("EdDSA")))


@FORMATS
def test_wrong_audience_and_nonce(form: CredentialFormat) -> None:
    wire = presented(form)
    one = form.name == MDOC  # hashed together: it is for another request, and nobody can tell in what
    with pytest.raises(NotBound if one else WrongAudience):
        verify(form, wire, audience="x509_hash:other")
    with pytest.raises(NotBound if one else WrongNonce):
        verify(form, wire, nonce="another")


@OTHERS
def test_fresh_stale_and_future_bindings(form: CredentialFormat) -> None:
    wire = presented(form)
    assert verify(form, wire, at=AT + 360)
    assert verify(form, wire, at=AT - 60)
    assert verify(form, wire, issued_after=AT + 60)
    assert verify(form, wire, at=AT + DAY, max_age=DAY)
    for changes in ({"at": AT + 361}, {"at": AT - 61}, {"issued_after": AT + 61}, {"at": AT + DAY, "max_age": DAY - 61}):
        with pytest.raises(StaleBinding):
            verify(form, wire, **changes)


@OTHERS
def test_addressed_copies(form: CredentialFormat) -> None:
    own = {"purpose_id": "council-tax", "jti": "0123", "exp": AT + 14 * DAY}
    made = replace(BINDING, nonce=b64(bytes(16)), extra=own)
    wire = presented(form, binding=made)
    wanted = {"nonce": None, "max_age": 14 * DAY, "extra": {"purpose_id": "council-tax"}}
    assert verify(form, wire, **wanted, at=AT + 13 * DAY).binding_claims["jti"] == "0123"
    with pytest.raises(StaleBinding):
        verify(form, wire, **wanted, at=AT + 14 * DAY)
    with pytest.raises(PurposeMismatch):
        verify(form, wire, **(wanted | {"extra": {"purpose_id": "parking"}}))
    with pytest.raises(PurposeMismatch):
        verify(form, presented(form), extra={"purpose_id": "parking"})
    with pytest.raises(NotBound):
        verify(form, wire, **(wanted | {"extra": {"amount": 5}}))
    with pytest.raises(NotBound):
        verify(form, presented(form, binding=replace(made, extra={"amount": True})), nonce=made.nonce, extra={"amount": 1})
    for spoilt, error in (
        (replace(made, nonce=b64("short")), WrongNonce),
        (replace(made, extra={"exp": AT + DAY}), NotBound),
        (replace(made, extra={"jti": "0123"}), NotBound),
        (replace(made, extra=own | {"jti": ""}), NotBound),
        (replace(made, extra={"jti": "0123", "exp": AT + DAY}), PurposeMismatch),
        (replace(made, extra=own | {"purpose_id": ""}), PurposeMismatch),
        (replace(made, extra=own | {"exp": AT + 14 * DAY + 1}), StaleBinding),
        (replace(made, extra=own | {"nbf": AT + 61}), StaleBinding),
        (replace(made, extra=own | {"exp": "soon"}), StaleBinding),
    ):
        with pytest.raises(error):
            verify(form, presented(form, binding=spoilt), nonce=None, max_age=14 * DAY)
    with pytest.raises(Malformed):
        presented(form, binding=replace(made, nonce=None))


@OTHERS
def test_what_a_holder_adds_replaces_nothing(form: CredentialFormat) -> None:
    claims = verify(form, presented(form, binding=replace(BINDING, extra={"aud": "x", "iat": 5, "nonce": "n", "more": 1}))).binding_claims
    assert (claims["aud"], claims["iat"], claims["nonce"], claims["more"]) == (BINDING.audience, AT, BINDING.nonce, 1)


@FORMATS
def test_expired_and_not_yet_valid(form: CredentialFormat) -> None:
    wire = presented(form, at=ENDS - 1)
    assert verify(form, wire, at=ENDS + 59)
    with pytest.raises(Expired):
        verify(form, wire, at=ENDS + 60)
    early = presented(form, at=MADE - 61)
    with pytest.raises(NotYetValid):
        verify(form, early, at=MADE - 61)
    parsed = form.parse(issue(form))
    with pytest.raises(Expired):
        form.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=ENDS + 60)


@FORMATS
def test_a_wallet_refuses_what_is_not_for_it(form: CredentialFormat) -> None:
    with pytest.raises(NotBound):
        form.check_received(form.parse(issue(form)), ISSUER.public, holder=STRANGER.public, at=AT)
    with pytest.raises(Malformed):
        form.check_received(form.parse(presented(form)), ISSUER.public, holder=HOLDER.public, at=AT)
    contradiction = issue(form, claims=lpa(decision_rule="jointly"))
    with pytest.raises(Malformed) as caught:
        form.check_received(form.parse(contradiction), ISSUER.public, holder=HOLDER.public, at=AT)
    assert caught.value.where == "/cardinality"


@FORMATS
def test_what_no_issuer_signs(form: CredentialFormat) -> None:
    with pytest.raises(NotBound):
        issue(form, holder=None)
    bearer = replace(REPRESENTATION, bearer=True)
    with pytest.raises(NotBound):
        issue(form, type=bearer)
    for changes in ({"status": None}, {"expires_at": MADE}, {"claims": lpa(nino="QQ123456C")}):
        with pytest.raises(Malformed):
            issue(form, **changes)


@FORMATS
def test_a_type_without_status_says_none(form: CredentialFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    short_lived = replace(REPRESENTATION, vct="urn:short-lived", vct_int=65_002, status_bits=0)
    install(monkeypatch, short_lived)
    parsed = form.parse(issue(form, type=short_lived, status=None))
    assert "status" not in parsed.payload
    assert parsed.status is None
    assert form.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=AT).status is None


@OTHERS
def test_bearer_types_have_no_holder(form: CredentialFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    bearer = replace(REPRESENTATION, bearer=True)
    install(monkeypatch, bearer)
    parsed = form.parse(issue(form, holder=None, type=bearer))
    assert form.peek(parsed).holder is None
    facts = form.verify(parsed, ISSUER.public, binding=BearerType(vct=bearer.vct), at=AT)
    assert facts.claims == LPA_1
    assert facts.holder is None
    assert facts.binding_claims == {}
    with pytest.raises(NotBound):
        form.verify(parsed, ISSUER.public, binding=BINDING, at=AT)
    with pytest.raises(NotBound):
        verify(form, presented(form, parsed.wire))
    with pytest.raises(NotBound):  # made for its holder before the type file said bearer
        form.verify(form.parse(_bound_copy(form, monkeypatch)), ISSUER.public, binding=BearerType(vct=bearer.vct), at=AT)
    with pytest.raises(NotBound):
        form.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=AT)


def _bound_copy(form: CredentialFormat, monkeypatch: pytest.MonkeyPatch) -> str:
    for module in ("sd_jwt_vc", "_vcdm", "sd_cwt"):
        monkeypatch.setattr(f"shared.formats.{module}.check_issuable", lambda _credential, _holder: None)
    return issue(form, type=replace(REPRESENTATION, bearer=True))


@FORMATS
def test_copies_share_nothing(form: CredentialFormat) -> None:
    """Each copy with its own key: beyond that, only what is the same for everybody."""
    one, two = (form.parse(issue(form, seed=seed, holder=Signer.new())) for seed in "ab")
    assert not set(one.disclosures) & set(two.disclosures)
    assert one.wire != two.wire
    if form.name in {"vc+jwt", "vc+sd-jwt"}:
        assert one.payload["id"] != two.payload["id"]


@FORMATS
def test_other_formats_wires_and_typs_are_refused(form: CredentialFormat) -> None:
    for other in formats().values():
        if other is not form:
            for wire in (issue(other), presented(other)):
                with pytest.raises((Malformed, WrongTyp)):
                    form.parse(wire)
            for use in (form.peek, lambda parsed: form.disclose(parsed, [])):
                with pytest.raises(Malformed):
                    use(other.parse(issue(other)))


@FORMATS
def test_bounds_on_size(form: CredentialFormat) -> None:
    with pytest.raises(TooLarge):
        form.parse("a" * 300_000)


@FORMATS
def test_disclosing_what_is_not_there(form: CredentialFormat) -> None:
    parsed = form.parse(issue(form))
    for path in (("credentialSubject", "nino"), ("nino",), ("powers", 9), ("powers", "x"), ("represented", None)):
        with pytest.raises(Malformed) as caught:
            form.disclose(parsed, [path])
        assert caught.value.where == "/0"


@FORMATS
def test_parsed_things_do_not_change(form: CredentialFormat) -> None:
    parsed = form.parse(issue(form))
    with pytest.raises(AttributeError):
        parsed.vct = "other"  # type: ignore[misc]


@FORMATS
@settings(deadline=None, max_examples=120)
@given(data=st.data())
def test_any_bytes_give_a_value_or_a_vc_error(form: CredentialFormat, data: st.DataObject) -> None:
    wire = WIRES[form.name]
    at = data.draw(st.integers(0, len(wire) - 1))
    piece = data.draw(st.text(alphabet='eyJ.~{}[]",:A0-_=\ud800é', max_size=8))
    spoilt = wire[:at] + piece + wire[at + data.draw(st.integers(0, 8)) :]
    try:
        verify(form, spoilt)
    except VcError:
        return
    assert spoilt == wire


WIRES = {form.name: presented(form) for form in formats().values()}


def resigned(form: CredentialFormat, at: float, cut: int, piece: str) -> str:
    """A document in which ``piece`` stands in place of ``cut`` bytes of the payload, signed by the issuer all the same. ``at`` is 0 to 1."""
    if form.name == "dc+sd-cwt":
        sign1 = parse_sign1(unb64(issue(form)))
        body, begin = sign1.payload, int(at * len(sign1.payload))
        body = body[:begin] + piece.encode() + body[begin + cut :]
        return b64(encode_sign1(sign1.protected_bytes, b"\xa0", body, ISSUER.raw(to_sign(sign1.protected_bytes, body))))
    head, _, rest = issue(form).partition(".")
    body = unb64(rest.partition(".")[0])
    begin = int(at * len(body))
    spoilt = f"{head}.{b64(body[:begin] + piece.encode() + body[begin + cut :])}"
    return f"{spoilt}.{b64(ISSUER.raw(spoilt.encode()))}{'~' if form.name.endswith('sd-jwt') else ''}"


@OTHERS
@settings(deadline=None, max_examples=80)
@given(at=st.floats(0, 1, exclude_max=True), cut=st.integers(0, 12), data=st.data())
def test_any_signed_payload_gives_a_value_or_a_vc_error(form: CredentialFormat, at: float, cut: int, data: st.DataObject) -> None:
    """A trusted issuer that has gone mad."""
    piece = data.draw(st.sampled_from(["null", '"_sd":["x"],', "1", "[]", '{"...":"x"}', "", '"', "{}", "\0", "ñ", "ø;"]))
    wire = resigned(form, at, cut, piece)
    for step in (form.peek, lambda parsed: form.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=AT)):
        try:
            step(form.parse(wire))
        except VcError as error:
            assert error.detail  # noqa: PT017 - there may be none
