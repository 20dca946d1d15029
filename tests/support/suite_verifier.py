"""An emulated verifier that asks in every way of OpenID4VP 1.0, and can be told to ask wrongly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from support.trial_verify import CLAIMS, VCT, Authority, registry
from support.world import COUNCIL, Party, _json

from shared.codec import base64url
from shared.credentials import all_types
from shared.dcql import check_satisfied, parse_query
from shared.flow import Fetch, Fetched
from shared.formats import Claims, formats
from shared.jose import jwe
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, Role
from shared.openid4vp import (
    MULTISIGNED,
    SIGNED,
    UNSIGNED,
    RequestObject,
    VpResponse,
    WalletRefusal,
    client_id_of,
    parse_dc_api_response,
    parse_response,
    render_request,
)
from shared.x509 import load_certificate, x5c_header

HOST = "council.example"
TYP = "oauth-authz-req+jwt"
KIND = all_types()[VCT]


def wanted(
    form: str = "dc+sd-jwt", paths: tuple[tuple[str | None, ...], ...] = (("represented", "given_name"),), **more: Any
) -> dict[str, Any]:
    """A credential query for our document in ``form``."""
    meta: dict[str, Any] = {"vct_values": [VCT]}
    asked: list[list[Any]] = [list(path) for path in paths]
    if form == "vc+sd-jwt":
        meta = {"type_values": [["VerifiableCredential", KIND.vcdm_type]]}
        asked = [["credentialSubject", *path] for path in paths]
    if form == "mso_mdoc":
        meta = {"doctype_value": KIND.doctype}
        asked = [[KIND.doctype, _element(path)] for path in paths]
    return {"id": "document", "format": form, "meta": meta, "claims": [{"path": path} for path in asked], **more}


def _element(path: tuple[str | None, ...]) -> str:
    claim = KIND.claim(path)
    assert claim is not None
    return claim.mdoc_element


def broken(token: str) -> str:
    """With a signature that is none of these bytes."""
    return f"{token.rpartition('.')[0]}.{base64url.encode(bytes(64))}"


@dataclass
class Suite(Party):
    """``spoil`` names signatures that are none, by position; an unsigned request ``tells`` who asks, which does not count.

    ``way`` is how a wallet gets the request: ``get``, ``post`` (``request_uri_method``), ``value`` (in the link) or a protocol of the Digital Credentials API.
    """

    by: Authority = field(default_factory=lambda: Authority.new(COUNCIL, role=Role.RELYING_PARTY, dns=[HOST]))
    other: Authority = field(default_factory=lambda: Authority.new(COUNCIL, role=Role.RELYING_PARTY, subject="Another anchor"))
    mode: str = "direct_post.jwt"
    way: str = "get"
    prefix: str = "x509_hash"
    spoil: tuple[int, ...] = ()
    tells: bool = False
    redirect: str | None = None
    members: dict[str, Any] = field(default_factory=dict)
    moved_to: str = ""
    query: dict[str, Any] = field(default_factory=lambda: {"credentials": [wanted()]})
    request: RequestObject = field(init=False)
    sent: dict[str, Any] = field(init=False)
    asked_by: list[str] = field(default_factory=list)
    answers: list[VpResponse | WalletRefusal] = field(default_factory=list)

    @property
    def client_id(self) -> str:
        names = {"x509_hash": client_id_of(self.by.x5c[0]), "x509_san_dns": f"x509_san_dns:{HOST}"}
        return names.get(self.prefix) or f"{self.prefix}:{COUNCIL}/response/0"

    @property
    def posts(self) -> bool:
        return not self.way.startswith("openid4vp")

    def begin(self, *, claims: Mapping[str, Any] | None = None, link: Mapping[str, Any] | None = None, **changes: Any) -> Any:
        """A new request: the link that starts it, or what a platform is given."""
        request = RequestObject(
            client_id=self.client_id,
            response_uri=f"{COUNCIL}/response/0" if self.posts else "",
            response_mode=self.mode,
            nonce=client_id_of(self.by.x5c[0]).partition(":")[2],
            query=parse_query(self.query),
            encryption_keys=(jwe.public_half(self.private_jwk),) if self.mode.endswith(".jwt") else (),
            expected_origins=() if self.posts else (COUNCIL,),
            origin="" if self.posts else COUNCIL,
        )
        self.request = replace(request, **changes)
        whole = {**render_request(self.request, at=self.clock()), "dcql_query": self.query, **(claims or {})}
        self.sent = {name: value for name, value in whole.items() if value is not None}
        return self._link(dict(link or {})) if self.posts else self._data()

    def _link(self, bent: dict[str, Any]) -> str:
        shown: dict[str, Any] = {"client_id": self.client_id}
        if self.prefix == "redirect_uri":
            shown |= {name: value if isinstance(value, str) else json.dumps(value) for name, value in self.sent.items()}
        elif self.way == "value":
            shown["request"] = self._token()
        else:
            shown["request_uri"] = f"{COUNCIL}/object/0"
            shown |= {"request_uri_method": "post"} if self.way == "post" else {}
        return f"openid4vp://?{urlencode(shown | bent)}"

    def _token(self, **more: Any) -> str:
        token = self._signed(self.by, {**self.sent, **more}, {})
        return broken(token) if self.spoil else token

    @staticmethod
    def _signed(by: Authority, claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
        payload = json.dumps(claims).encode()
        chain = {"x5c": x5c_header(by.x5c)}
        return by.signer.finish(prepare_jws(typ=TYP, payload=payload, key=KeyId("relying-party"), header={**chain, **header}))

    def _data(self) -> dict[str, Any]:
        if self.way == UNSIGNED:
            return {name: value for name, value in self.sent.items() if name not in {"client_id", "expected_origins"} or self.tells}
        if self.way == SIGNED:
            return {"request": self._token()}
        assert self.way == MULTISIGNED
        claims = {name: value for name, value in self.sent.items() if name != "client_id"}
        tokens = [self._signed(by, claims, {"client_id": client_id_of(by.x5c[0])}) for by in (self.other, self.by)]
        bent = [broken(token) if at in self.spoil else token for at, token in enumerate(tokens)]
        parts = [token.split(".") for token in bent]
        return {"payload": parts[0][1], "signatures": [{"protected": each[0], "signature": each[2]} for each in parts]}

    def answer(self, fetch: Fetch) -> Fetched:
        if fetch.url.startswith(f"{COUNCIL}/object/"):
            self.asked_by.append(fetch.method)
            nonce = dict(parse_qsl((fetch.body or b"").decode())).get("wallet_nonce")
            token = self._token(**({} if nonce is None else {"wallet_nonce": nonce}))
            return Fetched(status=200, headers={"content-type": "application/oauth-authz-req+jwt"}, body=token.encode())
        assert fetch.url == f"{COUNCIL}/response/0"
        self.answers.append(self.read(fetch.body or b""))
        if self.moved_to:
            return Fetched(status=302, headers={"location": self.moved_to})
        return _json(self.members | ({} if self.redirect is None else {"redirect_uri": self.redirect}))

    def read(self, body: bytes) -> VpResponse | WalletRefusal:
        key = self.private_jwk if self.request.locked else None
        if self.request.state is None:  # ours always has one; a form without is read by hand
            form = dict(parse_qsl(body.decode()))
            assert "state" not in form
            members = form if "error" in form or key else {"vp_token": json.loads(form["vp_token"])}
            return parse_dc_api_response(members, key)
        return parse_response(body, key, state=self.request.state)

    def take(self, handed: Mapping[str, Any]) -> None:
        """What a platform handed over."""
        self.answers.append(parse_dc_api_response(handed, self.private_jwk if self.request.locked else None))

    def verified(self) -> dict[str, Claims]:
        """The facts of the one answer, every presentation verified against the request and all of them against the query."""
        [answer] = self.answers
        assert isinstance(answer, VpResponse)
        issuer = load_certificate(registry().x5c[0]).public
        found = {}
        for each in self.request.query.credentials:
            for wire in answer.vp_token.get(each.id, ()):
                form = formats()[each.format]
                found[each.id] = form.verify(form.parse(wire), issuer, binding=self.request.binding(), at=self.clock())
        assert found.keys() == answer.vp_token.keys()
        check_satisfied(self.request.query, {name: [claims] for name, claims in found.items()})
        return found


GIVEN_NAME = CLAIMS["represented"]["given_name"]
