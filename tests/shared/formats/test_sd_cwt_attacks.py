"""``dc+sd-cwt`` with wrong kinds, keys and algorithms, and with bytes added, changed and repeated."""

from __future__ import annotations

import hashlib
from typing import Any

import cbor2
import pytest
from support import twins
from support.bends import BENDS
from support.cwt_forge import (
    ALGS,
    FORM,
    NAMES,
    changed,
    disclosure,
    document,
    presented,
    shown,
    sign1,
    taken_apart,
    token,
    verify,
    wire,
)
from support.forge import (
    BINDING,
    HOLDER,
    ISSUER,
    ISSUER_URI,
    b64,
    issue,
    show,
    unb64,
)
from support.judging import dice
from support.signing import AT, Signer, anchor, leaf
from support.twins import Draft

from shared.cose import (
    CHALLENGE,
    CWT,
    DESK_CERTIFICATE,
    DESK_RECEIPT,
    KEY_BINDING,
    REGISTRATION,
    RP_CERTIFICATE,
    SD_CWT,
    STATUS_ASSERTION,
    STATUS_LIST,
    kid_of,
)
from shared.errors import (
    AlgorithmRefused,
    BadDisclosure,
    Malformed,
    NotBound,
    Rejected,
    TooLarge,
    VcError,
    WrongTyp,
)
from shared.formats import Binding
from shared.formats._cwt import STAPLE
from shared.formats.sd_cwt import with_staple

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


# --- typ, algorithms, keys ---------------------------------------------------------------------------------------------------------------

TYPS = [SD_CWT, CWT, KEY_BINDING, STATUS_LIST, CHALLENGE, DESK_CERTIFICATE, DESK_RECEIPT, RP_CERTIFICATE, REGISTRATION, STATUS_ASSERTION]


def test_typ_swap_every_pair_of_cose() -> None:
    """S1: whatever else is right."""
    for typ in [each.value for each in TYPS] + [..., 0, "", b"", 293.0, True, [293], None]:
        if typ != 293:
            for text in (wire(document(header={16: typ})), wire(token(document(header={16: typ})))):
                with pytest.raises((WrongTyp, Malformed)):
                    FORM.parse(text)
        if typ != 294:
            with pytest.raises((WrongTyp, Malformed)):
                FORM.parse(wire(token(document(disclosures=[]), header={16: typ})))
    for text in ("application/sd-cwt", "application/kb+cwt"):
        with pytest.raises((WrongTyp, Malformed)):
            FORM.parse(wire(document(header={16: text + "x"})))
    named = token(document(disclosures=[], header={16: "application/sd-cwt"}), header={16: "application/kb+cwt"})
    assert verify(wire(named)).claims["decision_rule"] == "jointly-and-severally"


@pytest.mark.parametrize("alg", [-7, -8, -35, -36, -37, -51, -19, -53, 5, -16, -257, 0, "ES256", None, True])
def test_algorithms_that_do_not_fit_the_key(alg: Any) -> None:
    spoilt: list[tuple[Any, Any]] = [(token(document(header={1: alg}, disclosures=[])), (AlgorithmRefused, Malformed))]
    spoilt.append((token(document(disclosures=[]), header={1: alg}), (NotBound, Malformed)))
    for item, errors in spoilt:
        if alg == -7:  # the older name of the same algorithm
            verify(wire(item))
        else:
            with pytest.raises(errors):
                verify(wire(item))


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_keys_of_holders(alg: str) -> None:
    holder = Signer.new(alg)
    text = issue(FORM, holder=holder)
    assert FORM.parse(text).holder == holder.public
    older = {"ES256": -7, "ES384": -35, "EdDSA": -8}[alg]
    item = cbor2.loads(unb64(FORM.disclose(FORM.parse(text), []).wire))
    assert verify(wire(token(item, holder=holder, header={1: older}))).holder == holder.public
    with pytest.raises(NotBound):
        verify(wire(token(item, header={1: ALGS[alg]})))


@pytest.mark.parametrize(
    "cnf",
    [
        {}, {3: b"kid"}, {1: {}}, {1: b""}, [], 5, {1: {1: 4, -1: b"k" * 32}}, {1: {1: 2, -1: 1, -2: bytes(32), -3: True}},
        {1: {1: 2, -1: 1, -2: b"x" * 31, -3: True}}, {1: {1: 2, -1: 3, -2: bytes(66), -3: False}}, {1: {1: 1, -1: 6, -2: bytes(31)}},
        {1: {1: 2, -1: 1, -2: bytes(32), -3: True, -4: b"d" * 32}}, {1: {1: 1, -1: 6, -2: bytes(32)}, 2: b""},
    ],
)  # fmt: skip
def test_what_is_no_key_of_a_holder(cnf: Any) -> None:
    with pytest.raises(VcError):
        verify(wire(token(document({8: cnf}, disclosures=[]))))


def test_the_issuers_key_has_a_name() -> None:
    root_key = Signer.new()
    certificate = leaf(ISSUER, anchor(root_key), root_key, uri=ISSUER_URI)
    assert FORM.parse(issue(FORM, kid=b"", x5c=(certificate,))).kid == kid_of(ISSUER.public)
    for kid in (b"", b"1234567", b"123456789"):
        with pytest.raises(Malformed):
            issue(FORM, kid=kid)
    for header in ({4: ...}, {4: b"1234567"}, {4: "12345678"}, {5: b"iv"}, {2: [4]}, {33: b"x"}):
        with pytest.raises(Malformed):
            FORM.parse(wire(document(header=header)))


def test_certificates_stay_with_the_wallet() -> None:
    text = issue(FORM, x5c=(b"leaf",))
    assert taken_apart(text)[1][33] == b"leaf"
    parsed = FORM.parse(text)
    assert parsed.x5c == (b"leaf",)
    assert FORM.disclose(parsed, NAMES).x5c == ()
    assert 33 not in cbor2.loads(taken_apart(show(FORM, parsed))[0])[13].value[1]
    for chain in ([], [b"leaf"], "leaf", [b"leaf", "middle"], 5):
        with pytest.raises(Malformed):
            FORM.parse(wire(document(unprotected={33: chain})))
    with pytest.raises(Malformed):
        FORM.parse(wire(token(document(unprotected={33: b"leaf"}))))


def test_a_staple_travels_under_the_holders_signature() -> None:
    chosen = with_staple(FORM.disclose(FORM.parse(issue(FORM)), NAMES), b"assertion")
    assert chosen.staples == (b"assertion",)
    text = show(FORM, chosen)
    assert FORM.parse(text).staples == (b"assertion",)
    assert verify(text).claims["proxy"] == {"given_name": "Nora", "family_name": "Ashdown"}
    assert FORM.disclose(FORM.parse(text), NAMES[:2]).staples == (b"assertion",)
    with pytest.raises(Malformed):
        FORM.parse(wire(document(unprotected={STAPLE: "text"})))
    stripped = cbor2.loads(unb64(text))
    inner = list(cbor2.loads(stripped.value[0])[13].value)
    inner[1] = changed(inner[1], {STAPLE: ...})
    head = cbor2.dumps({1: -9, 13: cbor2.CBORTag(18, inner), 16: 294})
    with pytest.raises(NotBound):
        verify(wire(cbor2.CBORTag(18, [head, {}, *stripped.value[2:]])))


# --- what is added, changed, repeated ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("added", [{17: [disclosure()]}, {4: b"kid"}, {99: 1}, {"x": "y"}, {33: b"leaf"}])
def test_added_unprotected_header_is_malformed(added: dict[Any, Any]) -> None:
    protected, _, body, signature = taken_apart(presented())
    for item in (cbor2.CBORTag(18, [protected, added, body, signature]), token(document(disclosures=shown(1)), unprotected=added)):
        with pytest.raises(Malformed):
            FORM.parse(wire(item))
    if 17 not in added and 33 not in added:
        with pytest.raises(Malformed):
            FORM.parse(wire(document(unprotected=added)))


def test_another_spelling_of_a_signature_has_the_same_replay_key() -> None:
    """S9: (r, n - s) is as good a signature; whoever kept the first must know the second."""
    text = presented()
    *rest, signature = taken_apart(text)
    other = signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    one, two = verify(text), verify(wire(cbor2.CBORTag(18, [*rest, other])))
    assert one.signing_input_digest == two.signing_input_digest
    protected, _, body, _ = taken_apart(text)
    assert one.signing_input_digest == hashlib.sha256(cbor2.dumps(["Signature1", protected, b"", body])).digest()


def test_every_single_bit_flipped() -> None:
    """None is accepted with other facts; where one is accepted at all, the replay key is the same."""
    data = unb64(presented())
    facts = verify(b64(data))
    for at in range(len(data) * 8):
        spoilt = bytearray(data)
        spoilt[at // 8] ^= 1 << at % 8
        try:
            found = verify(b64(bytes(spoilt)))
        except (Malformed, Rejected):
            continue
        assert (found.claims, found.signing_input_digest) == (facts.claims, facts.signing_input_digest), at


def test_every_byte_cut_off_or_added() -> None:
    data = unb64(presented())
    for at in range(0, len(data), 3):
        for spoilt in (data[:at], data[:at] + data[at + 1 :], data[:at] + b"\0" + data[at:]):
            with pytest.raises((Malformed, Rejected)):
                verify(b64(spoilt))
    for more in (b"\0", b"\xf6", b"\xa0", data):
        with pytest.raises(Malformed):
            FORM.parse(b64(data + more))


def test_repeated_keys_and_indefinite_lengths() -> None:
    protected, outside, body, signature = taken_apart(FORM.disclose(FORM.parse(issue(FORM)), NAMES).wire)
    for spoilt in (
        b"\xa9" + body[1:] + b"\x02\x66abcdef",  # a second subject
        b"\xbf" + body[1:] + b"\xff",
        body[:1] + b"\x18\x01" + body[2:],  # the key 1 in two bytes
        body + b"\0",
        b"\xc1" + body,
    ):
        for item in (sign1(protected, outside, spoilt, ISSUER), token(sign1(protected, outside, spoilt, ISSUER))):
            with pytest.raises(Malformed):
                FORM.peek(FORM.parse(wire(item)))
    inner = cbor2.dumps(cbor2.CBORTag(18, [protected, outside, body, signature]))
    for head in (b"\xa4\x01\x28\x0d" + inner + b"\x10\x19\x01\x26\x01\x28", b"\xbf\x01\x28\x0d" + inner + b"\x10\x19\x01\x26\xff"):
        with pytest.raises(Malformed):
            FORM.parse(wire(sign1(head, {}, {3: BINDING.audience, 6: AT, 39: b"n"}, HOLDER)))
    whole = unb64(presented())
    assert whole[:2] == b"\xd2\x84"
    for head in (
        b"\xd8\x12\x84",
        b"\xd2\x98\x04",
        b"\xd2\x9f",
        b"\xd3\x84",
        b"\xd1\x84",
        b"\x84",
        b"\xd2\xd2\x84",
        b"\xd2\x85",
        b"\xd2\x83",
    ):
        with pytest.raises(Malformed):
            FORM.parse(b64(head + whole[2:] + (b"\xff" if head[-1] == 0x9F else b"")))


def test_depth_bombs() -> None:
    deep: Any = 0
    for _ in range(40):
        deep = [deep]
    nested: Any = {26: 1}
    for _ in range(40):
        nested = {-7: nested}
    for item in (
        document({-70_000: {1: deep}}),
        document({8: {1: deep}}),
        document(claims={-7: nested}),
        document(disclosures=[disclosure(deep, -5)]),
        document(unprotected={17: deep}),
        document(header={16: deep}),
    ):
        for text in (wire(item), wire(token(item))):
            with pytest.raises(VcError):
                verify(text)
    with pytest.raises(Malformed):
        FORM.parse(b64(b"\xc1" * 24_000))
    with pytest.raises(TooLarge):
        FORM.parse("A" * 44_000)


def test_one_group_disclosed_twice_is_refused() -> None:
    """No key twice, though the issuer signed both digests and as many of them as ever: else the last of two names would be believed."""
    draft = Draft.of(twins.issue())
    BENDS["a key that is there, among as many"](draft, dice(1))
    binding = Binding(audience=twins.audience(), nonce=b64(twins.NONCE), max_age=None)
    with pytest.raises(BadDisclosure):
        FORM.verify(FORM.parse(b64(draft.content())), twins.registry().signer.public, binding=binding, at=AT)
