"""One signed object in the place of another: by the right key, in force, well formed, and only of another kind or for another role."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from support import forge
from support.asking import Asker
from support.mdocs import Draft
from support.signing import AT, Signer, leaf
from support.trial_verify import ISSUER, LIST, Authority, decide, holder, issue, material, registry, show, status_token

from shared import receipts
from shared.codec import base64url
from shared.corrections import Answer
from shared.corrections import prepare_answer as prepare_correction
from shared.corrections import verify_answer as verify_correction
from shared.errors import BadSignature, KeyRoleRefused, Untrusted, VcError, WrongTyp
from shared.formats import formats
from shared.jose.jwk import render_jwk, thumbprint
from shared.jose.jws import parse_jws
from shared.keys import SIGNS, KeyId, Role, Unsigned, check_role
from shared.log_heads import SignedHead, prepare_log_head, verify_log_head
from shared.oauth import prepare_attestation, prepare_attestation_pop, prepare_dpop, verify_client_attestation, verify_dpop
from shared.openid4vci import (
    IssuerMetadata,
    prepare_key_attestation,
    prepare_signed_metadata,
    verify_key_attestation,
    verify_key_proof,
    verify_signed_metadata,
)
from shared.openid4vp import check_request_object
from shared.receipts import Exchange, LogHead, Receipt, verify_receipt
from shared.status.bitstring import encode_list, parse_bitstring, prepare_list, verify_bitstring
from shared.status.token_status_list import StatusList, parse_token, prepare_token, verify_token
from shared.trust.anchors import TrustAnchors
from shared.trust.bundle import BundleMemory, parse_bundle, prepare_bundle, verify_bundle
from shared.trust.policy import Policy
from shared.x509 import x5c_header

SD_JWT, VC_JOSE, VC_SD_JWT, MDOC = [formats()[name] for name in ("dc+sd-jwt", "vc+jwt", "vc+sd-jwt", "mso_mdoc")]
BANK = Asker.new()
PACKER = Signer.new()
SALT = bytes(16)
TYPS = [*sorted(set().union(*SIGNS.values())), "JWT", "jwt", "", ..., "application/{}", "{} ", "UPPER"]


def retyped(token: str, signer: Signer, typ: object) -> str:
    """``token`` with another ``typ``, signed again by the same key: what only the owner of the key could make."""
    jws = parse_jws(token)
    own = jws.header["typ"]
    typ = own.upper() if typ == "UPPER" else typ.format(own) if isinstance(typ, str) else typ
    members = {name: list(value) if isinstance(value, tuple) else value for name, value in jws.header.items()}
    return forge.jws(jws.payload, signer, **(members | {"typ": typ}))


def credential(typ: object) -> None:
    token, tail = forge.issue().split("~", 1)
    wire = f"{retyped(token, forge.ISSUER, typ)}~{tail}"
    shown = forge.bound(wire)
    SD_JWT.verify(SD_JWT.parse(shown), forge.ISSUER.public, binding=forge.BINDING, at=AT)


def w3c_sd_jwt(typ: object) -> None:
    token, tail = forge.issue("vc+sd-jwt").split("~", 1)
    shown = forge.bound(f"{retyped(token, forge.ISSUER, typ)}~{tail}")
    VC_SD_JWT.verify(VC_SD_JWT.parse(shown), forge.ISSUER.public, binding=forge.BINDING, at=AT)


def bitstring_list(typ: object) -> None:
    token = parse_bitstring(retyped(a_bitstring_list(), forge.ISSUER, typ))
    verify_bitstring(token, uri=LIST, issuer=ISSUER, key=forge.ISSUER.public, at=AT)


def a_bitstring_list() -> str:
    encoded = encode_list(bytes(16_384))
    return forge.ISSUER.finish(prepare_list(encoded=encoded, purpose="revocation", uri=LIST, issuer=ISSUER, iat=AT, key=KeyId("i")))


def mdoc_of_issuer(typ: object) -> None:
    draft = Draft.of()
    draft.protected |= {} if typ is ... else {16: typ}
    MDOC.check_received(MDOC.parse(draft.wire()), forge.ISSUER.public, holder=forge.HOLDER.public, at=AT)


def mdoc_of_device(typ: object) -> None:
    shown = Draft.of().shown(header={1: -7} if typ is ... else {1: -7, 16: typ})
    MDOC.verify(MDOC.parse(shown), forge.ISSUER.public, binding=forge.BINDING, at=AT)


def key_binding(typ: object) -> None:
    presented, token = forge.show(SD_JWT, SD_JWT.parse(forge.issue())).rsplit("~", 1)
    wire = f"{presented}~{retyped(token, forge.HOLDER, typ)}"
    SD_JWT.verify(SD_JWT.parse(wire), forge.ISSUER.public, binding=forge.BINDING, at=AT)


def w3c_credential(typ: object) -> None:
    wire = retyped(forge.issue("vc+jwt"), forge.ISSUER, typ)
    VC_JOSE.check_received(VC_JOSE.parse(wire), forge.ISSUER.public, holder=forge.HOLDER.public, at=AT)


def w3c_presentation(typ: object) -> None:
    wire = retyped(forge.show(VC_JOSE, VC_JOSE.parse(forge.issue("vc+jwt"))), forge.HOLDER, typ)
    VC_JOSE.verify(VC_JOSE.parse(wire), forge.ISSUER.public, binding=forge.BINDING, at=AT)


def key_proof(typ: object) -> None:
    claims = {"aud": ISSUER, "iat": AT, "nonce": "n"}
    token = forge.jws(claims, forge.HOLDER, typ="openid4vci-proof+jwt", jwk=render_jwk(forge.HOLDER.public))
    verify_key_proof(retyped(token, forge.HOLDER, typ), audience=ISSUER, nonce_seen=lambda _: True, at=AT)


def status_list(typ: object) -> None:
    token = parse_token(retyped(status_token(), registry().signer, typ))
    verify_token(token, uri=LIST, key=registry().signer.public, at=AT)


def trust_bundle(typ: object) -> None:
    made = prepare_bundle(issuer=ISSUER, seq=1, prev=None, at=AT, exp=AT + 99, artefacts=[], key=KeyId("b"), public=PACKER.public)
    file = json.loads(PACKER.finish(made))
    file["manifest"] = retyped(file["manifest"], PACKER, typ)
    read = parse_bundle(json.dumps(file).encode())
    verify_bundle(read, signers=[thumbprint(PACKER.public)], at=AT, memory=BundleMemory())


def request_object(typ: object) -> None:
    check_request_object(retyped(BANK.sign(), BANK.signer, typ), client_id=BANK.client_id, at=AT)


def client_attestation(typ: object) -> None:
    attest(retyped(ATTESTATION, MAKER.signer, typ), POP)


def client_proof(typ: object) -> None:
    attest(ATTESTATION, retyped(POP, WALLET, typ))


def attest(attestation: str, pop: str) -> None:
    verify_client_attestation(
        attestation, pop, check_provider=MAKERS.check_wallet_provider, audience=ISSUER, at=AT, challenge_ok=lambda _: True
    )


def dpop(typ: object) -> None:
    token = WALLET.finish(prepare_dpop(key=KeyId("d"), public=WALLET.public, method="POST", url=ISSUER, at=AT, jti="j"))
    verify_dpop(retyped(token, WALLET, typ), method="POST", url=ISSUER, at=AT, nonce_ok=lambda _: True)


def key_attestation(typ: object) -> None:
    made = prepare_key_attestation(key=KeyId("m"), alg="ES256", x5c=MAKER.x5c, keys=[WALLET.public], at=AT, lifetime=60)
    verify_key_attestation(retyped(MAKER.signer.finish(made), MAKER.signer, typ), check_provider=MAKERS.check_wallet_provider, at=AT)


def signed_metadata(typ: object) -> None:
    about = IssuerMetadata(issuer=ISSUER, credential_endpoint=f"{ISSUER}/credential", configurations={})
    made = prepare_signed_metadata(about, key=KeyId("i"), alg="ES256", x5c=registry().x5c, at=AT)
    verify_signed_metadata(
        retyped(registry().signer.finish(made), registry().signer, typ),
        issuer=ISSUER,
        check_signer=lambda x5c, at: Policy(TrustAnchors(anchors=(registry().pin(),))).check_metadata_signer(x5c, ISSUER, at),
        at=AT,
    )


def receipt(typ: object) -> None:
    verify_receipt(retyped(a_receipt(), BANK.signer, typ), Exchange(at=AT, presentation=b"p", nonce="n"), policy=BANK.policy())


def a_receipt(signer: Signer = BANK.signer, x5c: bytes = BANK.certificate, **changes: Any) -> str:
    _, digest = receipts.bind_presentation(b"p", entropy=lambda _: SALT)
    fields: dict[str, Any] = {
        "receipt_id": "1",
        "entity": "https://bank.example",
        "received_at": AT,
        "decision": "accepted",
        "purpose_id": "x",
        "salt": SALT,
        "presentation_digest": digest,
        "nonce": "n",
    }
    return signer.finish(receipts.prepare_receipt(Receipt(**(fields | changes)), key=KeyId("rp"), x5c=[x5c], at=AT))


def log_head(typ: object) -> None:
    made = prepare_log_head(HEAD, role=Role.RELYING_PARTY, key=KeyId("rp"), x5c=[BANK.certificate])
    token = retyped(BANK.signer.finish(made), BANK.signer, typ)
    verify_log_head(token, policy=BANK.policy(), role=Role.RELYING_PARTY, entity=HEAD.entity, at=AT)


def issuers_log_head(typ: object) -> None:
    made = prepare_log_head(replace(HEAD, entity=ISSUER), role=Role.CREDENTIAL_ISSUER, key=KeyId("i"), x5c=registry().x5c)
    token = retyped(registry().signer.finish(made), registry().signer, typ)
    policy = Policy(TrustAnchors(anchors=(registry().pin(),)))
    verify_log_head(token, policy=policy, role=Role.CREDENTIAL_ISSUER, entity=ISSUER, at=AT)


def correction(typ: object) -> None:
    made = prepare_correction(
        Answer(entity=ISSUER, reference="R", digest=bytes(32), received_at=AT, answer_by=AT), key=KeyId("i"), x5c=registry().x5c, at=AT
    )
    token = retyped(registry().signer.finish(made), registry().signer, typ)
    policy = Policy(TrustAnchors(anchors=(registry().pin(),)))
    verify_correction(token, policy=policy, entity=ISSUER, sealed=bytes(32), at=AT)


HEAD = SignedHead(entity="https://bank.example", at=AT, head=LogHead(size=1, digest=bytes(32)))
MAKER = Authority.new("https://maker.example", role=Role.WALLET_PROVIDER)
MAKERS = Policy(TrustAnchors(anchors=(MAKER.pin(role=Role.WALLET_PROVIDER),)))
WALLET = Signer.new()
ATTESTATION = MAKER.signer.finish(
    prepare_attestation(key=KeyId("m"), alg="ES256", x5c=MAKER.x5c, client_id="w", instance=WALLET.public, at=AT, lifetime=60)
)
POP = WALLET.finish(prepare_attestation_pop(key=KeyId("w"), public=WALLET.public, client_id="w", audience=ISSUER, at=AT, jti="j"))

OBJECTS: dict[str, Callable[[object], None]] = {
    "oauth-client-attestation+jwt": client_attestation,
    "oauth-client-attestation-pop+jwt": client_proof,
    "dpop+jwt": dpop,
    "key-attestation+jwt": key_attestation,
    "openidvci-issuer-metadata+jwt": signed_metadata,
    "dc+sd-jwt": credential,
    "vc+sd-jwt": w3c_sd_jwt,
    "kb+jwt": key_binding,
    "vc+jwt": w3c_credential,
    "vp+jwt": w3c_presentation,
    "openid4vci-proof+jwt": key_proof,
    "statuslist+jwt": status_list,
    "trust-bundle+jwt": trust_bundle,
    "oauth-authz-req+jwt": request_object,
    "receipt+jwt": receipt,
    "log-head+jwt": log_head,
    "issuer-log-head+jwt": issuers_log_head,
    "correction+jwt": correction,
    "a Bitstring list": bitstring_list,
    "an mdoc's issuer": mdoc_of_issuer,
    "an mdoc's device": mdoc_of_device,
}
"""By the ``typ`` that is right there, or by another name."""
OWN: Mapping[str, object] = {"a Bitstring list": "vc+jwt", "an mdoc's issuer": ..., "an mdoc's device": ...}


@pytest.mark.parametrize("typ", TYPS, ids=repr)
@pytest.mark.parametrize("place", OBJECTS)
def test_typ_swap_every_pair_in_every_place(place: str, typ: object) -> None:
    """S1, where each kind is read: the same key signed it, all else is right, and only the word differs."""
    if typ == OWN.get(place, place):
        OBJECTS[place](typ)
        return
    with pytest.raises(VcError):
        OBJECTS[place](typ)


def test_lists_and_documents_of_one_typ_are_not_read_as_each_other() -> None:
    """A Bitstring list is a ``vc+jwt`` too, by the same key."""
    with pytest.raises(WrongTyp):
        parse_bitstring(forge.issue("vc+jwt"))
    listed = VC_JOSE.parse(a_bitstring_list())
    with pytest.raises(VcError):
        VC_JOSE.check_received(listed, forge.ISSUER.public, holder=forge.HOLDER.public, at=AT)
    with pytest.raises(VcError):
        VC_JOSE.verify(listed, forge.ISSUER.public, binding=forge.BINDING, at=AT)


def test_every_typ_of_ours_is_some_roles_alone() -> None:
    for role, typs in SIGNS.items():
        for other, others in SIGNS.items():
            assert role is other or not typs & others
        for typ in set().union(*SIGNS.values()) - typs | {"", "JWT", "jwt", "x"}:
            with pytest.raises(KeyRoleRefused):
                check_role(role, typ)


def test_what_is_prepared_says_its_typ_to_the_custodian() -> None:
    """The ``typ`` that the custodian judges is the one that is signed."""
    made: list[Unsigned[Any]] = [
        SD_JWT.prepare(forge.credential(), key=KeyId("i"), holder=holder().public, entropy=forge.entropy()),
        VC_JOSE.prepare(forge.credential(), key=KeyId("i"), holder=holder().public, entropy=forge.entropy()),
        SD_JWT.present(SD_JWT.parse(forge.issue()), forge.BINDING, key=KeyId("h"), at=AT),
        VC_JOSE.present(VC_JOSE.parse(forge.issue("vc+jwt")), forge.BINDING, key=KeyId("h"), at=AT),
        prepare_token(list=StatusList(2, 8), uri=LIST, iat=AT, key=KeyId("i")),
    ]
    for unsigned in made:
        header = json.loads(base64url.decode(unsigned.signing_input.split(b".")[0].decode()))
        assert header["typ"] == unsigned.typ


# --- certificates of another role ------------------------------------------------------------------------------------------------------


def in_role(role: Role) -> Authority:
    """The registry's own key under its own anchor and name, but certified for ``role``."""
    own = registry()
    made = leaf(own.signer, own.certificate, own.root, role=role, uri=ISSUER, at=AT - 86_400, serial=77)
    return replace(own, x5c=(made,))


@pytest.mark.parametrize("role", [Role.RELYING_PARTY, Role.BUNDLE])
def test_rp_cert_as_issuer_cert(role: Role) -> None:
    wrong = in_role(role)
    for pins in ((registry().pin(),), (registry().pin(), registry().pin(role=Role.RELYING_PARTY))):
        decision = decide(show(issue(by=wrong)), trust=material(*pins))
        assert (decision.decision, decision.code) == ("rejected", "untrusted")
    assert decide(show(issue()), answer=status_token(by=wrong)).code == "status_unknown"


def test_issuer_cert_as_rp_cert() -> None:
    issuer = Asker.new(role=Role.CREDENTIAL_ISSUER)
    with pytest.raises(Untrusted):
        verify_receipt(a_receipt(issuer.signer, issuer.certificate), Exchange(at=AT, presentation=b"p", nonce="n"), policy=issuer.policy())
    with pytest.raises(Untrusted):
        check_request_object(issuer.sign(), client_id=issuer.client_id, at=AT)


def test_a_receipt_names_whom_its_certificate_names() -> None:
    """Also one by somebody whom nobody could check: it must not go into the history under the name of another."""
    token = a_receipt(entity="https://other.example")
    with pytest.raises(Untrusted):
        verify_receipt(token, Exchange(at=AT, presentation=b"p", nonce="n"), policy=BANK.policy())
    signer = receipts._open(token)[1][0]
    from shared.x509 import load_certificate

    with pytest.raises(Untrusted):
        receipts.verify_receipt_by(token, Exchange(at=AT, presentation=b"p", nonce="n"), signer=load_certificate(signer))


def test_a_chain_that_was_verified_once_is_no_chain_for_anything_else() -> None:
    """What is remembered of a chain is asked by leaf, anchors, role and lists together, and holds for its time alone."""
    own, other = registry(), Authority.new()
    good = show(issue())
    for _ in range(2):
        assert decide(good).decision == "accepted"
        assert decide(good, trust=material(other.pin())).code == "untrusted"
        assert decide(good, trust=material(own.pin(role=Role.RELYING_PARTY))).code == "untrusted"
        assert decide(good, trust=material(own.pin(entity="https://else.example"))).code == "not_entitled"
        assert decide(good, trust=material(own.pin(vcts=("urn:else",)))).code == "not_entitled"
        assert decide(good, at=AT + 400 * 86_400).code == "untrusted"
    with_anchor = replace(own, x5c=(*own.x5c, own.certificate.der))
    assert decide(show(issue(by=with_anchor))).code == "untrusted"
    backwards = replace(own, x5c=(other.x5c[0], own.x5c[0]))
    assert decide(show(issue(by=backwards))).decision == "rejected"
    garbled = replace(own, x5c=(own.x5c[0] + b"\x00",))
    assert decide(show(issue(by=garbled))).decision == "rejected"
    many = replace(own, x5c=own.x5c * 4)
    assert decide(show(issue(by=many))).decision == "rejected"


def test_a_key_in_the_header_of_a_document_is_not_asked() -> None:
    token, tail = forge.issue().split("~", 1)
    attacker = Signer.new()
    payload: Mapping[str, Any] = json.loads(parse_jws(token).payload)
    forged = forge.jws(payload, attacker, jwk=render_jwk(attacker.public), x5c=x5c_header(registry().x5c))
    with pytest.raises(BadSignature):
        SD_JWT.verify(SD_JWT.parse(forge.bound(f"{forged}~{tail}")), forge.ISSUER.public, binding=forge.BINDING, at=AT)


def test_artefacts_of_one_pack_do_not_fit_another() -> None:
    """Mix and match: the manifest of one pack with the contents of another, or a known name over other bytes."""

    def packed(*data: bytes) -> dict[str, Any]:
        from shared.trust.bundle import CERTIFICATE, Artefact

        made = prepare_bundle(
            issuer=ISSUER,
            seq=1,
            prev=None,
            at=AT,
            exp=AT + 99,
            artefacts=[Artefact(media_type=CERTIFICATE, data=each) for each in data],
            key=KeyId("b"),
            public=PACKER.public,
        )
        file: dict[str, Any] = json.loads(PACKER.finish(made))
        return file

    one, two = packed(b"one"), packed(b"two")
    [name] = one["artefacts"]
    for mixed in (
        one | {"artefacts": two["artefacts"]},
        one | {"artefacts": one["artefacts"] | two["artefacts"]},
        one | {"artefacts": {}},
        one | {"artefacts": {name: base64.b64encode(b"two").decode()}},
        one | {"artefacts": {name: [one["artefacts"][name]]}},
        one | {"artefacts": [one["artefacts"][name]]},
    ):
        with pytest.raises(VcError):
            parse_bundle(json.dumps(mixed).encode())
