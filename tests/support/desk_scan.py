"""A desk for tests: set up by a signed-in operator over HTTP, with its key in memory, as the page would do it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from support.desk import Running

from shared.jose.jwk import render_jwk
from shared.keys import PublicKey


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
