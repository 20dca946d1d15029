"""Presentations in the three modes, good and broken, for ``ovp_vectors``: a register, its documents, Nora who holds them, and the bank."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, Final

import cbor2
from msgspec.structs import replace
from PIL import Image
from support.counter import KEY, Counter
from support.signing import AT, Signer, anchor, leaf
from support.trial_verify import CLAIMS, DAY, Dice

from shared.codec import base64url, cbor, strict_json
from shared.cose import KEY_BINDING, SD_CWT, Typ, kid_of, parse_sign1, prepare_sign1, sign1_of
from shared.credentials import all_types
from shared.credentials._page import page_type
from shared.credentials._tree import portrait_url
from shared.formats import Binding, Credential, StatusReference, formats
from shared.formats.sd_cwt import with_staple
from shared.jose.jwk import thumbprint as jwk_thumbprint
from shared.keys import KeyId, Role
from shared.ovp.answer import code_binding, live_binding
from shared.status.assertion import prepare_assertion
from shared.status.token_status_list import MIN_SIZE, StatusList, prepare_cwt
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.artefact import PAGE_KEYS, PAGE_TYPES, STATUS_LIST_CWT, Artefact
from shared.trust.bundle import prepare_bundle
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.trust.relying_party import Want, render_wants

FORM: Final = formats()["dc+sd-cwt"]
TYPE: Final = all_types()["urn:fdc:vct.example:2027:representation:1"]
ISSUER, BANK = "https://register.example", "https://bank.example"
LIST, OLD_LIST, NO_LIST = (f"{ISSUER}/status/{name}" for name in ("1", "old", "missing"))
VALID, INVALID, SUSPENDED = 70_001, 70_002, 70_003
MADE = AT - AT % DAY - DAY
USE = {"powers": ["banking"]}
WANT = Want(vct=TYPE.vct_int, required=(1, 4, 5), optional=(2, 3, 8, 10))
WANTS = render_wants([WANT])
CODE = "3141592600"
NAMES, POWERS = ("donor-name", "attorney-name"), ("powers",)
ORDER_P256: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
b64 = base64url.encode
Case = dict[str, Any]


def signed(typ: Typ, payload: Any, signer: Signer, protected: Mapping[int, Any], unprotected: Mapping[int, Any] | None = None) -> bytes:
    data = payload if isinstance(payload, bytes) else cbor.dumps(payload, canonical=True)
    unsigned = prepare_sign1(typ=typ, payload=data, key=KEY, alg=signer.public.alg, protected=protected, unprotected=unprotected)
    return signer.finish(unsigned)


class Scene:
    """All keys and documents of one run."""

    def __init__(self) -> None:
        self.top = Signer.new()
        self.pinned = anchor(self.top, subject="Register", at=AT - 30 * DAY)
        self.issuers = {alg: Signer.new(alg) for alg in ("ES256", "EdDSA", "ES384")}
        self.chains = {
            alg: leaf(signer, self.pinned, self.top, uri=ISSUER, at=AT - 30 * DAY, serial=number)
            for number, (alg, signer) in enumerate(self.issuers.items(), 2)
        }
        self.stranger = Signer.new()
        self.nora, self.thief = Signer.new(), Signer.new()
        self.counter = Counter()
        self.live = live_binding(self.counter.open_challenge().challenge)
        self.code = code_binding(CODE, entity=BANK, use="bank", public=self.counter.bank.public)
        self.copy = Binding(
            audience=f"a:{BANK}",
            nonce=b64(Dice("nonce")(16)),
            extra={"purpose_id": "bank", "exp": AT + 7 * DAY, "jti": b64(Dice("jti")(16))},
        )
        self.cases: list[Case] = []

    def issue(self, *, by: str = "ES256", to: Signer | None = None, idx: int = VALID, uri: str = LIST, **changes: Any) -> str:
        signer = self.issuers[by]
        made = Credential(
            type=TYPE,
            claims=changes.pop("claims", CLAIMS),
            issuer=ISSUER,
            issued_at=changes.pop("issued_at", MADE),
            expires_at=changes.pop("expires_at", MADE + 30 * DAY),
            status=StatusReference(uri=uri, idx=idx),
            x5c=(self.chains[by],),
            alg=by,
        )
        unsigned = FORM.prepare(replace(made, **changes), key=KEY, holder=(to or self.nora).public, entropy=Dice(f"{idx}{len(self.cases)}"))
        return signer.finish(unsigned)

    def chosen(self, wire: str, groups: tuple[str, ...]) -> str:
        """The same document with these groups and no others."""
        parsed = FORM.parse(wire)
        paths = [path for path in FORM.peek(parsed).disclosable if (claim := TYPE.claim(path)) is not None and claim.group in groups]
        return FORM.disclose(parsed, paths).wire

    def show(
        self,
        wire: str,
        *,
        groups: tuple[str, ...] = (*NAMES, *POWERS),
        binding: Binding | None = None,
        by: Signer | None = None,
        at: int = AT,
    ) -> bytes:
        who = by or self.nora
        parsed = FORM.parse(self.chosen(wire, groups))
        return base64url.decode(who.finish(FORM.present(parsed, binding or self.live, key=KEY, at=at, alg=who.public.alg)))

    def bind(self, item: bytes, payload: Any, *, by: Signer | None = None, unprotected: Mapping[int, Any] | None = None) -> bytes:
        """Any SD-CWT under any payload, rightly signed by the holder."""
        return signed(KEY_BINDING, payload, by or self.nora, {13: cbor2.loads(item)}, unprotected)

    def payload(self, mode: str, **changes: Any) -> dict[Any, Any]:
        """What the holder signs, by number; ``m4=…`` sets member 4, ``n70001=…`` member -70001, ``None`` takes it out."""
        binding: Binding = getattr(self, mode)
        found: dict[Any, Any] = {3: binding.audience, 6: AT, 39: base64url.decode(str(binding.nonce))}
        if mode == "copy":
            found |= {4: binding.extra["exp"], 7: base64url.decode(binding.extra["jti"]), -70_001: "bank"}
        for name, value in changes.items():
            found[int(name[1:]) * (-1 if name[0] == "n" else 1)] = value
        return {key: value for key, value in found.items() if value is not None}

    def item(self, wire: str, groups: tuple[str, ...] = (*NAMES, *POWERS)) -> bytes:
        """The SD-CWT as it lies inside a presentation."""
        return cbor.dumps(parse_sign1(self.show(wire, groups=groups)).protected[13])

    def resigned(self, wire: str, change: Callable[[dict[Any, Any]], None], *, typ: Typ = SD_CWT) -> bytes:
        """The SD-CWT with another payload, rightly signed by the issuer."""
        sign1 = sign1_of(cbor2.loads(self.item(wire)))
        payload = cbor2.loads(sign1.payload)
        change(payload)
        header = {4: sign1.protected[4]}
        return signed(typ, cbor.dumps(payload, canonical=True), self.issuers["ES256"], header, dict(sign1.unprotected))

    def case(
        self,
        name: str,
        data: bytes,
        code: str = "",
        *,
        mode: str = "live",
        at: int = AT,
        decision: str | None = None,
        wants: Any = WANTS,
        use: Mapping[str, Any] | None = None,
        purpose: str = "bank",
        seen: bool = False,
        shows: Mapping[str, Any] | None = None,
    ) -> None:
        binding: Binding = getattr(self, mode)
        expect: Case = {"decision": decision or ("rejected" if code else "accepted"), "code": code}
        expect["level"] = {"live": 3, "code": 2, "copy": 1}[mode]
        if shows is not None:
            expect["claims"] = shows
            expect["replay_key"] = b64(hashlib.sha256(parse_sign1(data).signing_input).digest())
        expectation = {
            "mode": "addressed" if mode == "copy" else mode,
            "audience": binding.audience,
            "nonce": None if mode == "copy" else binding.nonce,
            "purpose_id": purpose if mode == "copy" else None,
            "wants": wants,
            "use": USE if use is None else use,
        }
        one: Case = {"name": name, "at": at, "presentation": b64(data), "expectation": expectation, "expect": expect}
        self.cases.append(one | ({"seen": True} if seen else {}))


def file() -> dict[str, Any]:
    scene = Scene()
    _good(scene)
    _modes(scene)
    _binding(scene)
    _forged(scene)
    _document(scene)
    _status(scene)
    _asked(scene)
    return {**_knowledge(scene), "cases": scene.cases}


def _limits(**more: Any) -> dict[str, Any]:
    """What every presentation of these documents shows."""
    names = (
        "representation_kind", "instrument_type", "attestation_basis", "decision_rule", "usable_when", "has_restrictions", "substitution",
        "issuing_authority", "issuing_country", "issuing_jurisdiction",
    )  # fmt: skip
    return {name: CLAIMS[name] for name in names} | more


SHOWN = {
    "powers": CLAIMS["powers"],
    "represented": {"given_name": "Margaret", "family_name": "Ashdown"},
    "proxy": {"given_name": "Nora", "family_name": "Ashdown"},
}


def _good(scene: Scene) -> None:
    wire = scene.issue()
    for mode in ("live", "code", "copy"):
        scene.case(f"good_{mode}", scene.show(wire, binding=getattr(scene, mode)), mode=mode, shows=_limits(**SHOWN))
    for alg in ("EdDSA", "ES384"):
        holder = Signer.new(alg)
        data = scene.show(scene.issue(by=alg, to=holder), by=holder)
        scene.case(f"good_{alg.lower()}", data, shows=_limits(**SHOWN))
    nothing = scene.show(wire, groups=())
    scene.case("good_nothing_shown", nothing, wants=[[TYPE.vct_int, [], []]], use={}, shows=_limits())
    everything = tuple(group.id for group in TYPE.groups if group.cwt)
    portrait = portrait_url(_webp())
    pictured = scene.issue(claims=CLAIMS | {"proxy": CLAIMS["proxy"] | {"portrait": portrait}})
    all_wants = [[TYPE.vct_int, [1, 2, 3, 4, 5, 6, 10, 11], [8, 9, 12]]]
    scene.case("good_everything", scene.show(pictured, groups=everything), wants=all_wants, shows=FORM.peek(FORM.parse(pictured)).claims)
    scene.case("good_holder_clock_wrong", scene.show(wire, at=AT - 3 * 365 * DAY), shows=_limits(**SHOWN))
    scene.case("good_copy_more_than_asked", scene.show(pictured, groups=everything, binding=scene.copy), mode="copy")
    other = _negated(scene.show(wire))
    scene.case("good_negated_s_is_the_same_showing", other, shows=_limits(**SHOWN))
    scene.case("nothing_asked_beforehand", scene.show(wire, binding=scene.copy), mode="copy", wants=None, shows=_limits(**SHOWN))


def _webp() -> bytes:
    out = BytesIO()
    Image.linear_gradient("L").resize((48, 60)).convert("RGB").save(out, "WEBP", quality=40)
    return out.getvalue()


def _negated(data: bytes) -> bytes:
    """(r, n - s) verifies where (r, s) does."""
    tag = cbor2.loads(data)
    protected, unprotected, payload, signature = tag.value
    s = ORDER_P256 - int.from_bytes(signature[32:], "big")
    return cbor.dumps(cbor2.CBORTag(18, [protected, dict(unprotected), payload, signature[:32] + s.to_bytes(32, "big")]))


def _modes(scene: Scene) -> None:
    """S6: an answer of one mode is nothing in another, and one that was taken already is nothing lesser."""
    wire = scene.issue()
    for made in ("live", "code", "copy"):
        for opened in ("live", "code", "copy"):
            if made != opened:
                scene.case(f"{made}_as_{opened}", scene.show(wire, binding=getattr(scene, made)), "wrong_audience", mode=opened)
    for mode in ("live", "code", "copy"):
        scene.case(f"{mode}_a_second_time", scene.show(wire, binding=getattr(scene, mode)), "replayed", mode=mode, seen=True)
    scene.case("good_live_a_second_time_negated_s", _negated(scene.show(wire)), "replayed", seen=True)


def _binding(scene: Scene) -> None:
    wire = scene.issue()
    item = scene.item(wire)

    def case(name: str, code: str, mode: str = "live", *, by: Signer | None = None, at: int = AT, **changes: Any) -> None:
        scene.case(name, scene.bind(item, scene.payload(mode, **changes), by=by), code, mode=mode, at=at)

    case("other_nonce", "wrong_nonce", m39=bytes(32))
    case("no_nonce", "wrong_nonce", m39=None)
    case("nonce_is_a_text", "malformed", m39="x" * 43)
    case("audience_of_another_desk", "wrong_audience", m3="l:" + b64(bytes(32)))
    case("audience_cut_short", "wrong_audience", m3=str(scene.live.audience)[:13])
    case("two_audiences", "wrong_audience", m3=[scene.live.audience, "l:other"])
    case(
        "code_of_another_body",
        "wrong_nonce",
        "code",
        m39=hashlib.sha256(b"OVP1 answer" + cbor.dumps(["31415926", "https://o.example", "bank"])).digest(),
    )
    case("signed_by_a_thief", "not_bound", by=scene.thief)
    case("no_time", "stale_binding", m6=None)
    case("copy_for_another_purpose", "purpose_mismatch", "copy", n70001="mortgage")
    case("copy_without_a_purpose", "purpose_mismatch", "copy", n70001=None)
    case("copy_without_an_end", "not_bound", "copy", m4=None)
    case("copy_without_a_number", "not_bound", "copy", m7=None)
    case("copy_with_a_short_nonce", "wrong_nonce", "copy", m39=bytes(15))
    case("copy_for_fifteen_days", "stale_binding", "copy", m4=AT + 15 * DAY)
    case("copy_that_ran_out", "stale_binding", "copy", at=AT + 7 * DAY)
    case("copy_from_the_future", "stale_binding", "copy", m6=AT + 61)
    case("copy_signed_long_ago", "stale_binding", "copy", m6=AT - 15 * DAY, m4=AT + 1)
    short = scene.item(scene.issue(expires_at=MADE + 3 * DAY))
    scene.case("copy_outlives_its_document", scene.bind(short, scene.payload("copy")), "stale_binding", mode="copy")
    case("live_ran_out_by_its_own_word", "stale_binding", m4=AT)
    case("member_of_another_number", "malformed", m5000=1)
    data = scene.bind(item, scene.payload("live"), unprotected={99: b""})
    scene.case("unprotected_header", data, "malformed")
    scene.case("trailing_byte", scene.show(wire) + b"\0", "malformed")
    scene.case("cut_short", scene.show(wire)[:-1], "malformed")
    scene.case("no_tag", scene.show(wire)[1:], "malformed")
    scene.case("stripped_binding", item, "not_bound")
    scene.case("binding_of_a_binding", scene.bind(scene.show(wire), scene.payload("live")), "wrong_typ")
    scene.case("as_a_challenge", scene.counter.challenge(), "wrong_typ")


def _forged(scene: Scene) -> None:
    wire = scene.issue()
    item = scene.item(wire)
    tag = cbor2.loads(item)
    protected, unprotected, payload, signature = tag.value

    def case(name: str, parts: list[Any], code: str) -> None:
        changed = cbor.dumps(cbor2.CBORTag(18, parts))
        scene.case(name, scene.bind(changed, scene.payload("live")), code)

    flipped = signature[:-1] + bytes((signature[-1] ^ 1,))
    case("issuer_signature_changed", [protected, dict(unprotected), payload, flipped], "bad_signature")
    case("issuer_signature_too_short", [protected, dict(unprotected), payload, signature[:-1]], "bad_signature")
    case("added_issuer_unprotected_header", [protected, {**unprotected, 99: 1}, payload, signature], "malformed")
    hidden = list(unprotected[17])
    other = list(cbor2.loads(scene.item(scene.issue(idx=VALID + 10))).value[1][17])
    case("disclosure_of_another_copy", [protected, {17: [other[0], *hidden[1:]]}, payload, signature], "bad_disclosure")
    case("disclosure_twice", [protected, {17: [*hidden, hidden[0]]}, payload, signature], "bad_disclosure")
    case(
        "disclosure_changed",
        [protected, {17: [hidden[0][:-1] + bytes((hidden[0][-1] ^ 1,)), *hidden[1:]]}, payload, signature],
        "bad_disclosure",
    )
    case("disclosure_that_is_none", [protected, {17: [b"\x80", *hidden[1:]]}, payload, signature], "malformed")
    case("disclosure_with_a_short_salt", [protected, {17: [cbor.dumps([bytes(15), {}, -1])]}, payload, signature], "malformed")
    case("no_disclosures_but_an_empty_list", [protected, {17: []}, payload, signature], "malformed")
    by_stranger = signed(SD_CWT, payload, scene.stranger, {4: kid_of(scene.stranger.public)}, dict(unprotected))
    scene.case("by_an_unknown_key", scene.bind(by_stranger, scene.payload("live")), "untrusted")
    in_its_name = signed(SD_CWT, payload, scene.stranger, {4: kid_of(scene.issuers["ES256"].public)}, dict(unprotected))
    scene.case("by_a_stranger_under_a_known_kid", scene.bind(in_its_name, scene.payload("live")), "bad_signature")
    as_status = signed(
        Typ("application/statuslist+cwt", "x"),
        payload,
        scene.issuers["ES256"],
        {4: kid_of(scene.issuers["ES256"].public)},
        dict(unprotected),
    )
    scene.case("status_list_as_document", scene.bind(as_status, scene.payload("live")), "wrong_typ")


def _document(scene: Scene) -> None:
    def changed(**changes: Any) -> Callable[[dict[Any, Any]], None]:
        def change(payload: dict[Any, Any]) -> None:
            for name, value in changes.items():
                payload[int(name[1:])] = value
                if value is None:
                    del payload[int(name[1:])]

        return change

    wire = scene.issue()

    def resigned(name: str, code: str, change: Callable[[dict[Any, Any]], None]) -> None:
        scene.case(name, scene.bind(scene.resigned(wire, change), scene.payload("live")), code)

    old = scene.issue(issued_at=MADE - 40 * DAY, expires_at=MADE - 10 * DAY)
    scene.case("expired", scene.show(old), "expired")
    scene.case("expired_by_the_desks_clock_only", scene.show(wire, at=AT), "expired", at=MADE + 31 * DAY)
    early = scene.issue(issued_at=MADE + 10 * DAY)
    scene.case("not_yet_valid", scene.show(early), "not_yet_valid")
    resigned("no_end", "malformed", changed(m4=None))
    resigned("no_holder", "malformed", changed(m8=None))
    resigned("no_status", "malformed", changed(m65535=None))
    resigned("member_not_known", "malformed", changed(m100=1))
    restricted = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell the house."}
    limited = scene.issue(claims=restricted)
    scene.case("limit_not_shown", scene.show(limited), "restricted_undisclosed", decision="undecided")
    scene.case(
        "limit_to_be_read", scene.show(limited, groups=(*NAMES, *POWERS, "restrictions")), "restrictions_to_read", decision="undecided"
    )
    scene.case("another_power", scene.show(wire), "outside_scope", use={"powers": ["benefits"]})


def _status(scene: Scene) -> None:
    for name, idx, code in (("cancelled", INVALID, "revoked"), ("on_hold", SUSPENDED, "suspended")):
        scene.case(name, scene.show(scene.issue(idx=idx)), code)
    scene.case("index_beyond_the_list", scene.show(scene.issue(idx=MIN_SIZE)), "status_index_out_of_range")
    scene.case("list_not_in_the_pack", scene.show(scene.issue(uri=NO_LIST)), "status_unknown", decision="undecided")
    scene.case("list_too_old", scene.show(scene.issue(uri=OLD_LIST)), "status_stale", decision="undecided")
    low = {**USE, "stakes": "low"}
    scene.case("list_old_but_stakes_low", scene.show(scene.issue(uri=OLD_LIST)), use=low)

    def stapled(status: int, *, idx: int = VALID, at: int = AT - 3_600, by: Signer | None = None, about: int | None = None) -> bytes:
        signer = by or scene.issuers["ES256"]
        unsigned = prepare_assertion(
            uri=OLD_LIST,
            idx=idx if about is None else about,
            status=status,
            iat=at,
            exp=at + DAY,
            key=KeyId("k"),
            kid=kid_of(signer.public),
        )
        return scene.show(
            with_staple(FORM.parse(scene.chosen(scene.issue(uri=OLD_LIST, idx=idx), (*NAMES, *POWERS))), signer.finish(unsigned)).wire
        )

    scene.case("staple_newer_than_the_list", stapled(0))
    scene.case("staple_says_cancelled", stapled(1), "revoked")
    scene.case("staple_says_on_hold", stapled(2), "suspended")
    scene.case("staple_never_overrules_invalid", stapled(0, idx=INVALID), "revoked")
    scene.case("staple_about_another_copy", stapled(0, about=VALID + 1), "status_stale", decision="undecided")
    scene.case("staple_by_a_stranger", stapled(0, by=scene.stranger), "status_stale", decision="undecided")
    scene.case("staple_from_the_future", stapled(0, at=AT + 61), "status_stale", decision="undecided")


def _asked(scene: Scene) -> None:
    wire = scene.issue()

    def wants(required: list[int], optional: list[int] | None = None) -> list[Any]:
        return [[TYPE.vct_int, required, optional or []]]

    scene.case("required_group_missing", scene.show(wire, groups=(*NAMES,)), "request_not_satisfied", wants=wants([1, 4, 5]), use={})
    scene.case("group_not_asked_for", scene.show(wire), "over_disclosed", wants=wants([1, 5]))
    scene.case(
        "inner_group_not_asked_for",
        scene.show(wire, groups=(*NAMES, *POWERS, "attorney-birthdate")),
        "over_disclosed",
        wants=wants([1, 4, 5]),
    )
    scene.case("inner_group_asked_for", scene.show(wire, groups=(*NAMES, *POWERS, "attorney-birthdate")), wants=wants([1, 4, 5], [10]))
    scene.case(
        "copy_shows_less_than_asked", scene.show(wire, groups=NAMES, binding=scene.copy), "request_not_satisfied", mode="copy", use={}
    )
    scene.case("code_shows_more_than_asked", scene.show(wire, binding=scene.code), "over_disclosed", mode="code", wants=wants([1, 5]))


def _knowledge(scene: Scene) -> dict[str, Any]:
    lists = {LIST: _list(scene, LIST, AT - 3_600), OLD_LIST: _list(scene, OLD_LIST, AT - 3 * DAY)}
    trust = TrustAnchors(anchors=(parse_anchor(scene.pinned.der, role=Role.CREDENTIAL_ISSUER, entity=ISSUER),))
    own = Own(entity=BANK, name="The Bank", public=scene.counter.bank.public)
    keys = page_keys(Policy(trust), scene.chains.values(), own, at=AT, floor=AT - 3_600)
    types = strict_json.dumps({"version": 1, "types": [page_type(TYPE)]})
    maker = Signer.new()
    artefacts = [Artefact(media_type=STATUS_LIST_CWT, data=data) for data in lists.values()]
    artefacts += [Artefact(media_type=PAGE_KEYS, data=keys), Artefact(media_type=PAGE_TYPES, data=types)]
    pack = maker.finish(
        prepare_bundle(issuer=BANK, seq=1, prev=None, at=AT - 1_800, exp=AT + 60 * DAY, artefacts=artefacts, key=KEY, public=maker.public)
    )
    return {
        "at": AT,
        "pack": base64.b64encode(pack).decode(),
        "signer": jwk_thumbprint(maker.public),
        "python": {
            "anchor": base64.b64encode(scene.pinned.der).decode(),
            "issuer": ISSUER,
            "certificates": [base64.b64encode(der).decode() for der in scene.chains.values()],
            "lists": {uri: base64.b64encode(data).decode() for uri, data in lists.items()},
        },
    }


def _list(scene: Scene, uri: str, iat: int) -> bytes:
    statuses = StatusList(2, MIN_SIZE)
    statuses.set(INVALID, 1)
    statuses.set(SUSPENDED, 2)
    signer = scene.issuers["ES256"]
    unsigned = prepare_cwt(
        list=statuses, uri=uri, iat=iat, exp=iat + 7 * DAY, key=KEY, kid=kid_of(signer.public), x5c=(scene.chains["ES256"],), alg="ES256"
    )
    return signer.finish(unsigned)
