"""A desk for tests: set up by a signed-in operator over HTTP, with its key in memory, as the page would do it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from support.desk import PATHS, Running
from support.signing import Signer
from support.trial_verify import issue, show

from shared.clock import system_entropy
from shared.codec import base64url
from shared.formats import Binding
from shared.jose.jwk import render_jwk
from shared.keys import KeyId, PublicKey
from shared.ovp import seal
from shared.ovp.answer import Answer, live_binding, render_answer
from shared.ovp.challenge import parse_challenge, prepare_challenge
from shared.ovp.envelope import render_text
from verifier.uses import wants_of


@dataclass(frozen=True)
class Enrolled:
    """What the service told, and the key that it certified."""

    told: dict[str, Any]
    private: ec.EllipticCurvePrivateKey

    @property
    def token(self) -> str:
        return str(self.told["token"])

    @property
    def public(self) -> PublicKey:
        return PublicKey.of(self.private.public_key())

    @staticmethod
    def new_key() -> tuple[ec.EllipticCurvePrivateKey, dict[str, Any]]:
        private = ec.generate_private_key(ec.SECP256R1())
        return private, render_jwk(PublicKey.of(private.public_key()))


async def sign_in(desk: Running, passphrase: str = "correct-horse-battery") -> None:
    form = {"name": "Bea Clerk", "passphrase": passphrase}
    async with desk.http.post(f"{desk.base}/desk/sign-in", data=form, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
        # the cookie is for the public name, over TLS; here it goes to where the service truly listens
        cookie = re.match(r"([^=]+)=([^;]+)", answer.headers["Set-Cookie"])
        assert cookie is not None
        desk.http.headers["Cookie"] = f"{cookie[1]}={cookie[2]}"


async def enrol(desk: Running, *, name: str = "Counter 3") -> Enrolled:
    await sign_in(desk)
    private, jwk = Enrolled.new_key()
    async with desk.http.post(f"{desk.base}/desk/scan/api/desks", json={"name": name, "key": jwk}) as answer:
        assert answer.status == 201, await answer.text()
        return Enrolled(await answer.json(), private)


# --- what such a desk asks, and what a wallet answers -------------------------------------------------------------------------------------


def challenge(desk: Running, made: Enrolled, **changes: Any) -> bytes:
    """A challenge by the desk's own key under its own certificate; ``changes`` bend it."""
    served = next(each for each in desk.desk.uses() if each.query.id == "bank")
    wish: dict[str, Any] = {
        "certificate": base64url.decode(made.told["certificate"]),
        "key": KeyId("desk"),
        "public": made.public,
        "nonce": system_entropy(16),
        "at": desk.clock(),
        "wants": (wants_of(served),),
        "use": "bank",
        "seal_key": seal.generate(system_entropy)[1],
    }
    return Signer(made.private, made.public).finish(prepare_challenge(**wish | changes))


WHOLE = (*PATHS[:-1], ("powers", None))
"""The same details, by whole groups."""


def shown(binding: Binding, *, seed: str = "live", paths: Sequence[Any] = WHOLE, format_name: str = "dc+sd-cwt", **changes: Any) -> str:
    """The text of a code that answers with ``binding``; ``changes`` are those of the document."""
    wire = show(issue(format_name, seed=seed, **changes), format_name=format_name, paths=paths, binding=binding)
    return render_text(*render_answer(Answer(format_name, wire)))


async def judge(desk: Running, made: Enrolled, **shown_: Any) -> dict[str, Any]:
    """What the service says."""
    headers = {"Authorization": f"Bearer {made.token}"}
    body = {name: base64url.encode(value) if isinstance(value, bytes) else value for name, value in shown_.items()}
    async with desk.http.post(f"{desk.base}/desk/scan/api/judge", json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return dict((await answer.json())["verdict"])


async def live(desk: Running, made: Enrolled, *, asked: bytes | None = None, answer: str = "", **how: Any) -> dict[str, Any]:
    """A whole round: a challenge, an answer to it, and what the service says."""
    asked = challenge(desk, made) if asked is None else asked
    told = answer or shown(live_binding(parse_challenge(asked)), **how)
    return await judge(desk, made, mode="live", challenge=asked, answer=told)
