"""SD-JWT VC with key binding: issue, present and verify, beside the raw signatures and hashes that nobody can avoid, and two peers.

Ten selectively disclosable claims, four of them shown. Every candidate does all of its checks on equal input.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk as foreign_jwk
from openvc.keys import P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from benchmarks.jws import SHA256, raw
from benchmarks.measure import Row, interleaved, row
from shared.clock import system_clock, system_entropy
from shared.credentials import Claim, CredentialType, Group, Kind, Text
from shared.formats import Binding, Credential, Parsed, StatusReference, formats
from shared.jose.jwk import render_jwk
from shared.keys import KeyId, PublicKey, Unsigned

NOW = system_clock()
DAY = NOW - NOW % 86_400
ISSUER, AUDIENCE, NONCE = "https://registry.example", "https://council.example", "n" * 22
BINDING = Binding(audience=AUDIENCE, nonce=NONCE)
NAMES = tuple(f"claim_{number}" for number in range(10))
SHOWN = NAMES[:4]
CLAIMS = {name: f"a value of {name}" for name in NAMES}
TYPE = CredentialType(
    id="bench", vct="urn:fdc:vct.example:2027:bench:1", vct_int=1, doctype="example.vct.bench.1", title=Text("Bench", "Mainc"),
    description=Text("Ten claims", "Deg manylyn"), groups=(Group(id="all", label=Text("All", "Pob un")),),
    claims=tuple(Claim(path=(name,), kind=Kind.TEXT, label=Text(name, name), group="all", cwt=i + 1) for i, name in enumerate(NAMES)),
    queries=(), copy_days=30, batch_size=20, status_bits=2, status_max_age={"low": 604_800, "high": 86_400},
)  # fmt: skip
FORMAT = formats()["dc+sd-jwt"]


class Keys:
    """One issuer and one holder, with every candidate's view of them."""

    def __init__(self) -> None:
        self.issuer = ec.generate_private_key(ec.SECP256R1())
        self.holder = ec.generate_private_key(ec.SECP256R1())
        self.issuer_public, self.holder_public = PublicKey.of(self.issuer.public_key()), PublicKey.of(self.holder.public_key())
        self.foreign_issuer, self.foreign_holder = foreign_jwk.JWK.from_pyca(self.issuer), foreign_jwk.JWK.from_pyca(self.holder)
        self.openvc_issuer, self.openvc_holder = P256SigningKey(self.issuer, "i"), P256SigningKey(self.holder, "h")


@cache
def keys() -> Keys:
    return Keys()


def credential() -> Credential:
    return Credential(
        type=TYPE, claims=CLAIMS, issuer=ISSUER, issued_at=DAY, expires_at=DAY + 30 * 86_400,
        status=StatusReference(uri=f"{ISSUER}/status/1", idx=4711), x5c=(),
    )  # fmt: skip


def issue_ours() -> str:
    unsigned = FORMAT.prepare(credential(), key=KeyId("issuer"), holder=keys().holder_public, entropy=system_entropy)
    return _finish(unsigned, keys().issuer)


def _finish(unsigned: Unsigned[str], private: ec.EllipticCurvePrivateKey) -> str:
    return unsigned.complete(raw(private, unsigned.signing_input))


def _payload() -> dict[str, object]:
    return {"iss": ISSUER, "iat": DAY, "exp": DAY + 30 * 86_400, "vct": TYPE.vct}


def _issue_sd_jwt() -> str:
    claims = {**_payload(), **{SDObj(name): value for name, value in CLAIMS.items()}}
    issued: str = SDJWTIssuer(
        claims, keys().foreign_issuer, keys().foreign_holder, "ES256", extra_header_parameters={"typ": "dc+sd-jwt"}
    ).sd_jwt_issuance
    return issued


def _issue_openvc() -> str:
    return SdJwtVcProofSuite().issue(
        {**_payload(), **CLAIMS},
        signing_key=keys().openvc_issuer,
        disclosable=NAMES,
        holder_jwk=render_jwk(keys().holder_public),
        vct=TYPE.vct,
    )


def issue() -> Row:
    """Floor: one raw signature and ten SHA-256."""
    block, private = b"x" * 80, keys().issuer

    def floor() -> None:
        private.sign(block, SHA256)
        for _ in NAMES:
            hashlib.sha256(block).digest()

    figures = interleaved({"floor": floor, "ours": issue_ours, "sd-jwt": _issue_sd_jwt, "openvc-core": _issue_openvc})
    return row("sd-jwt-vc issue", figures, bar=0.45)


def _present(chosen: Parsed) -> str:
    return _finish(FORMAT.present(chosen, BINDING, key=KeyId("holder"), at=NOW), keys().holder)


def present_ours(issued: str) -> str:
    return _present(FORMAT.disclose(FORMAT.parse(issued), [(name,) for name in SHOWN]))


def _present_sd_jwt(issued: str) -> str:
    holder = SDJWTHolder(issued)
    holder.create_presentation(dict.fromkeys(SHOWN, True), NONCE, AUDIENCE, keys().foreign_holder, "ES256")
    presentation: str = holder.sd_jwt_presentation
    return presentation


def _openvc_shown(issued: str) -> str:
    """openvc-core leaves the choice of disclosures to its caller."""
    jwt, *disclosures, _ = issued.split("~")
    return "~".join([jwt, *disclosures[: len(SHOWN)], ""])


def _present_openvc(issued: str) -> str:
    suite = SdJwtVcProofSuite()
    return suite.create_presentation(issued, holder_key=keys().openvc_holder, audience=AUDIENCE, nonce=NONCE)


def present() -> Row:
    """Floor: one raw signature. From a document in hand with its details chosen, as openvc-core does; ``sd-jwt`` also reads and chooses."""
    chosen = FORMAT.disclose(FORMAT.parse(issue_ours()), [(name,) for name in SHOWN])
    return row("sd-jwt-vc present", interleaved(_presenting(lambda: _present(chosen))), bar=0.75)


def choose_and_present() -> Row:
    """The same from the text of the whole document: read, choose, present."""
    issued = issue_ours()
    return row("sd-jwt-vc choose and present", interleaved(_presenting(lambda: present_ours(issued))), bar=None)


def _presenting(ours: Callable[[], object]) -> dict[str, Callable[[], object]]:
    foreign, openvc = _issue_sd_jwt(), _openvc_shown(_issue_openvc())
    private = keys().holder
    return {
        "floor": lambda: private.sign(b"x" * 200, SHA256),
        "ours": ours,
        "sd-jwt": lambda: _present_sd_jwt(foreign),
        "openvc-core": lambda: _present_openvc(openvc),
    }


def verify() -> Row:
    """Floor: two raw verifications. Ours does all checks of RFC 9901 sections 7.1 and 7.3, validity included."""
    ours, foreign, openvc = present_ours(issue_ours()), _present_sd_jwt(_issue_sd_jwt()), _present_openvc(_openvc_shown(_issue_openvc()))
    private, native = keys().issuer, keys().issuer.public_key()
    block = b"x" * 1500
    der = private.sign(block, SHA256)
    issuer_jwk = render_jwk(keys().issuer_public)

    def floor() -> None:
        native.verify(der, block, SHA256)
        native.verify(der, block, SHA256)

    def verify_ours() -> None:
        FORMAT.verify(FORMAT.parse(ours), keys().issuer_public, binding=BINDING, at=NOW)

    candidates: dict[str, Callable[[], object]] = {
        "floor": floor,
        "ours": verify_ours,
        "sd-jwt": lambda: SDJWTVerifier(foreign, lambda _issuer, _header: keys().foreign_issuer, AUDIENCE, NONCE),
        "openvc-core": lambda: SdJwtVcProofSuite().verify(
            openvc, public_key_jwk=issuer_jwk, audience=AUDIENCE, nonce=NONCE, require_key_binding=True
        ),
    }
    return row("sd-jwt-vc verify", interleaved(candidates), bar=0.65)
