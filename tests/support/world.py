"""A small world around a wallet: an issuer and relying parties that answer fetches from memory, and can be told to misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from support.federations import Realm
from support.signing import AT, Signer
from support.trial_verify import CLAIMS, ISSUER, VCT, Authority, Dice, assertion, registry, status_token
from support.trial_web import Watch

from shared.clock import DAY, floor_day
from shared.codec import base64url
from shared.credentials import all_types
from shared.credentials._derive import credential_metadata, dcql
from shared.dcql import DcqlQuery, parse_query
from shared.errors import Unavailable, VcError
from shared.flow import Fetch, Fetched
from shared.formats import Credential, StatusReference, formats
from shared.jose import jwe
from shared.keys import KeyId, Role
from shared.openid4vci import (
    PRE_AUTHORIZED,
    AsMetadata,
    Configuration,
    CredentialOffer,
    IssuerMetadata,
    OfferReference,
    PreAuthorizedGrant,
    TxCode,
    offer_links,
    parse_credential_request,
    render_as_metadata,
    render_issuer_metadata,
    render_offer,
    verify_key_proofs,
)
from shared.openid4vp import (
    IntendedUse,
    RequestObject,
    VpResponse,
    client_id_of,
    parse_response,
    prepare_request_object,
    render_use,
    request_links,
)
from shared.receipts import Receipt, bind_presentation, prepare_receipt, presentation_bytes
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import Cert, load_certificate

CODE = "12345678"
BATCH = 6
COUNCIL = "https://council.example"
BANK = "https://northwold-bank.example"
Bend = Callable[[str], str]


def _as_it_is(wire: str) -> str:
    return wire


@dataclass
class Office:
    """An issuer. ``formats`` are offered; ``bend`` changes each signed copy on its way; ``says`` may answer instead of the office."""

    clock: Watch
    by: Authority = field(default_factory=registry)
    formats: tuple[str, ...] = ("dc+sd-jwt",)
    claims: Mapping[str, Any] = field(default_factory=lambda: CLAIMS)
    bend: Bend = _as_it_is
    says: dict[str, Callable[[Fetch], Fetched]] = field(default_factory=dict)
    refreshes: bool = True
    forgiving: bool = False
    """A refresh token serves until the one that follows it was used, as at an office that ties it to a key."""
    access_seconds: int = 300
    statuses: dict[int, int] = field(default_factory=dict)
    codes: set[str] = field(default_factory=lambda: {"pre-1"})
    tokens: dict[str, int] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    nonces: set[str] = field(default_factory=set)
    notified: list[dict[str, Any]] = field(default_factory=list)
    issued: int = 0
    place: str = ISSUER  # where it lives

    def offer(self, code: str = "pre-1") -> CredentialOffer:
        self.codes.add(code)
        return CredentialOffer(
            issuer=self.place,
            configuration_ids=tuple(f"poa-{name}" for name in self.formats),
            pre_authorized=PreAuthorizedGrant(code=code, tx_code=TxCode(length=8)),
        )

    def link(self, code: str = "pre-1") -> str:
        self.offer(code)
        return offer_links(OfferReference(f"{self.place}/offers/{code}"), f"{self.place}/offer").https

    def answer(self, fetch: Fetch) -> Fetched:
        path = fetch.url.removeprefix(self.place)
        if path in self.says:
            return self.says[path](fetch)
        if path.startswith("/offers/"):
            return _json(render_offer(self.offer(path.rpartition("/")[2])))
        if path.endswith("/assertions"):
            return _json(self.assertions(fetch.url.removesuffix("/assertions"), json.loads(fetch.body or b"{}")["idx"]))
        if path.startswith("/status/"):
            return Fetched(status=200, headers={"content-type": "application/statuslist+jwt"}, body=self.status(fetch.url).encode())
        handlers: dict[str, Callable[[Fetch], Fetched]] = {
            "/.well-known/openid-credential-issuer": self._metadata,
            "/.well-known/oauth-authorization-server": self._server,
            "/token": self._token,
            "/nonce": self._nonce,
            "/credential": self._credential,
            "/notification": self._notification,
        }
        answer = handlers.get(path)
        return Fetched(status=404) if answer is None else answer(fetch)

    def status(self, uri: str) -> str:
        return status_token(self.statuses, by=self.by, uri=uri, iat=self.clock())

    def assertions(self, uri: str, indices: Sequence[int]) -> dict[str, list[str]]:
        said = (assertion(self.statuses.get(idx, 0), by=self.by, uri=uri, idx=idx, iat=self.clock()) for idx in indices)
        return {"assertions": [base64url.encode(each) for each in said]}

    def _metadata(self, _: Fetch) -> Fetched:
        kind = all_types()[VCT]
        configurations = {
            f"poa-{name}": Configuration(
                id=f"poa-{name}",
                format=name,
                vct=VCT if name.startswith("dc+") else None,
                types=("VerifiableCredential", kind.vcdm_type) if name.startswith("vc+") else (),
                doctype=kind.doctype if name == "mso_mdoc" else None,
                binding_methods=("jwk",),
                proof_algs=("ES256",),
                metadata=credential_metadata(kind, name),
            )
            for name in self.formats
        }
        metadata = IssuerMetadata(
            issuer=self.place,
            credential_endpoint=f"{self.place}/credential",
            nonce_endpoint=f"{self.place}/nonce",
            notification_endpoint=f"{self.place}/notification",
            configurations=configurations,
            batch_size=BATCH,
            display=({"name": "Office of the Public Guardian (test)", "locale": "en-GB"},),
        )
        return _json(render_issuer_metadata(metadata))

    def _server(self, _: Fetch) -> Fetched:
        return _json(render_as_metadata(AsMetadata(issuer=self.place, token_endpoint=f"{self.place}/token")))

    def _token(self, fetch: Fetch) -> Fetched:
        form = dict(parse_qsl((fetch.body or b"").decode()))
        if form["grant_type"] == PRE_AUTHORIZED:
            known = form["pre-authorized_code"] in self.codes and form.get("tx_code") == CODE
            self.codes -= {form["pre-authorized_code"]} if known else set()
        else:
            used = form["refresh_token"]
            known = used in self.refresh_tokens
            self.refresh_tokens = {used} if known and self.forgiving else self.refresh_tokens - {used}
        if not known:
            return _json({"error": "invalid_grant", "error_description": "no such code"}, 400)
        number = len(self.tokens)
        self.tokens[f"access-{number}"] = self.clock() + self.access_seconds
        answer: dict[str, Any] = {"access_token": f"access-{number}", "token_type": "Bearer", "expires_in": self.access_seconds}
        if self.refreshes:
            self.refresh_tokens.add(f"refresh-{number}")
            answer["refresh_token"] = f"refresh-{number}"
        return _json(answer)

    def _nonce(self, _: Fetch) -> Fetched:
        self.nonces.add(f"nonce-{len(self.nonces)}")
        return _json({"c_nonce": f"nonce-{len(self.nonces) - 1}"})

    def _allowed(self, fetch: Fetch) -> bool:
        return self.tokens.get(fetch.headers["authorization"].removeprefix("Bearer "), 0) > self.clock()

    def _credential(self, fetch: Fetch) -> Fetched:
        if not self._allowed(fetch):
            return Fetched(status=401)
        wanted = parse_credential_request(fetch.body or b"")
        try:
            proofs = verify_key_proofs(wanted.proofs, audience=self.place, nonce_seen=self.nonces.__contains__, at=self.clock())
        except VcError as error:
            return _json({"error": error.error}, 400)
        name = (wanted.configuration_id or "").removeprefix("poa-")
        wires = [self.bend(self.copy(name, proof.holder)) for proof in reversed(proofs)]
        return _json({"credentials": [{"credential": wire} for wire in wires], "notification_id": f"n-{self.issued}"})

    def copy(self, name: str, holder: Any, **changes: Any) -> str:
        """One signed copy, each with its own index in one of two lists."""
        self.issued += 1
        made = Credential(
            type=all_types()[VCT],
            claims=self.claims,
            issuer=self.by.entity,
            issued_at=floor_day(self.clock()),
            expires_at=floor_day(self.clock()) + 30 * DAY,
            status=StatusReference(uri=f"{self.place}/status/{1 + self.issued % 2}", idx=1_000 + self.issued),
            x5c=self.by.x5c,
            alg=self.by.signer.public.alg,
        )
        unsigned = formats()[name].prepare(
            msgspec.structs.replace(made, **changes), key=KeyId("issuer"), holder=holder, entropy=Dice(f"copy {self.issued} {self.clock()}")
        )
        return self.by.signer.finish(unsigned)

    def _notification(self, fetch: Fetch) -> Fetched:
        self.notified.append(json.loads(fetch.body or b"{}"))
        return Fetched(status=204)


def _json(doc: object, status: int = 200) -> Fetched:
    return Fetched(status=status, headers={"content-type": "application/json"}, body=json.dumps(doc).encode())


@dataclass
class Party:
    """A relying party that asks. ``receipt_for`` may give a receipt for something else; ``says`` may answer instead of it."""

    clock: Watch
    entity: str = COUNCIL
    name: str = "Anytown Borough Council"
    by: Authority = field(default_factory=lambda: Authority.new(COUNCIL, role=Role.RELYING_PARTY))
    private_jwk: Mapping[str, str] = field(default_factory=jwe.generate_ephemeral)
    requests: dict[str, RequestObject] = field(default_factory=dict)
    got: list[dict[str, tuple[str, ...]]] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    receipts: bool = True
    receipt_for: Mapping[str, Sequence[str]] | None = None
    receipt_changes: dict[str, Any] = field(default_factory=dict)
    decision: str = "accepted"
    says: Callable[[Fetch], Fetched] | None = None
    sign_as: Callable[[Party, RequestObject], str] | None = None
    publication: Callable[[], bytes] | None = None  # what its anchor says is in force; then it is pinned by its entity

    @property
    def client_id(self) -> str:
        return client_id_of(self.by.x5c[0])

    def ask(self, query: Mapping[str, Any] | DcqlQuery | str = "council-tax", *, use: bool = True, **changes: Any) -> str:
        """A new request; its https link."""
        number = f"r{len(self.requests)}"
        if isinstance(query, str):
            query = dcql(all_types()[VCT], query)
        asked = query if isinstance(query, DcqlQuery) else parse_query(query)
        why = IntendedUse(
            identifier="council-tax",
            purpose=all_types()[VCT].queries[0].purpose,
            retention_days=30,
            claims_kept=("Donor’s name",),
            contact="council-tax@council.example",
            how_to_complain="Write to the council",
            privacy_policy=f"{self.entity}/privacy",
        )
        self.requests[number] = replace(
            RequestObject(
                client_id=self.client_id,
                response_uri=f"{self.entity}/response/{number}",
                nonce=f"nonce-of-{number}-AAAAAAAAAAAA",
                state=f"state-of-{number}-AAAAAAAAAAAA",
                query=asked,
                encryption_keys=(jwe.public_half(self.private_jwk),),
                verifier_info=(render_use(why),) if use else (),
                expires_at=self.clock() + 600,
            ),
            **changes,
        )
        return request_links(
            page=f"{self.entity}/request/{number}", client_id=self.client_id, request_uri=f"{self.entity}/object/{number}"
        ).https

    def answer(self, fetch: Fetch) -> Fetched:
        path = fetch.url.removeprefix(self.entity)
        number = path.rpartition("/")[2]
        if path.startswith("/.well-known/"):
            return Fetched(status=404) if self.publication is None else _publication(self.publication())
        if path.startswith("/object/"):
            nonce = dict(parse_qsl((fetch.body or b"").decode())).get("wallet_nonce")
            token = (self.sign_as or Party.sign)(self, replace(self.requests[number], wallet_nonce=nonce))
            return Fetched(status=200, headers={"content-type": "application/oauth-authz-req+jwt"}, body=token.encode())
        if self.says is not None:
            return self.says(fetch)
        return self._response(fetch, self.requests[number])

    def sign(self, request: RequestObject) -> str:
        return self.by.signer.finish(prepare_request_object(request, key=KeyId("relying-party"), x5c=self.by.x5c, at=self.clock()))

    def _response(self, fetch: Fetch, request: RequestObject) -> Fetched:
        answer = parse_response(fetch.body or b"", self.private_jwk, state=request.state or "")
        if not isinstance(answer, VpResponse):
            self.refused.append({"error": answer.error})
            return _json({})
        self.got.append(dict(answer.vp_token))
        members: dict[str, Any] = {"redirect_uri": f"{self.entity}/done"}
        if self.receipts:
            members["receipt"] = self.receipt(request, self.receipt_for or answer.vp_token)
        return _json(members)

    def receipt(self, request: RequestObject, vp_token: Mapping[str, Sequence[str]]) -> str:
        salt, digest = bind_presentation(presentation_bytes(vp_token), entropy=Dice(f"receipt {len(self.got)}"))
        receipt = Receipt(
            receipt_id=f"receipt-{len(self.got)}",
            entity=self.entity,
            received_at=self.clock(),
            decision=self.decision,
            purpose_id="council-tax",
            salt=salt,
            presentation_digest=digest,
            nonce=request.nonce,
            effective_from=self.clock(),
            claims_kept=("Donor’s name",),
            retain_until=self.clock() + 30 * DAY,
            contact="council-tax@council.example",
        )
        changed = replace(receipt, **self.receipt_changes)
        return self.by.signer.finish(prepare_receipt(changed, key=KeyId("relying-party"), x5c=self.by.x5c, at=self.clock()))


def _publication(data: bytes) -> Fetched:
    return Fetched(status=200, headers={"content-type": "application/json"}, body=data)


@dataclass
class World:
    """The network: who lives at which address. ``log`` tells what was fetched, when, and with which headers."""

    clock: Watch = field(default_factory=lambda: Watch(AT))
    office: Office = field(init=False)
    council: Party = field(init=False)
    bank: Party = field(init=False)
    log: list[tuple[int, str, str]] = field(default_factory=list)
    fetches: list[Fetch] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    strangers: set[str] = field(default_factory=set)
    realm: Realm | None = None  # a federation whose anchors wallets have pinned
    pinned: tuple[str, ...] = ()
    gate: asyncio.Event | None = None

    def __post_init__(self) -> None:
        self.office = Office(self.clock)
        self.council = Party(self.clock)
        self.bank = Party(
            self.clock, entity=BANK, name="Northwold Bank", by=Authority.new(BANK, role=Role.RELYING_PARTY, subject="Bank anchor")
        )

    async def __call__(self, fetch: Fetch) -> Fetched:
        self.log.append((self.clock(), fetch.method, fetch.url))
        self.fetches.append(fetch)
        if self.gate is not None:
            await self.gate.wait()
        if any(fetch.url.startswith(prefix) for prefix in self.down):
            raise Unavailable("nobody answers")
        places: dict[str, Office | Party] = {ISSUER: self.office, COUNCIL: self.council, BANK: self.bank}
        for place, who in places.items():
            if fetch.url.startswith(place + "/"):
                return who.answer(fetch)
        if self.realm is not None:
            return self.realm.street().answer(fetch)
        raise Unavailable("nobody lives there")

    def policy(self) -> Policy:
        """Whom the wallets of this world trust: everybody but ``strangers``."""
        pins = {
            ISSUER: registry().pin(entity=ISSUER),
            COUNCIL: self.council.by.pin(role=Role.RELYING_PARTY, entity=self.council.entity if self.council.publication else None),
            BANK: self.bank.by.pin(role=Role.RELYING_PARTY, entity=self.bank.entity if self.bank.publication else None),
        }
        federation = () if self.realm is None else tuple(self.realm.pin(each) for each in self.pinned)
        return Policy(TrustAnchors(anchors=tuple(pin for who, pin in pins.items() if who not in self.strangers), federation=federation))


def certificate(authority: Authority) -> Cert:
    """The leaf of an authority."""
    return load_certificate(authority.x5c[0])


__all__ = ["BANK", "BATCH", "CODE", "COUNCIL", "ISSUER", "Office", "Party", "Signer", "World", "certificate"]
