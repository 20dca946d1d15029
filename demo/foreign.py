"""Story ``foreign``: a wallet by others takes our document and shows it to our verifier, and our wallet shows one to a verifier by others.

Everything speaks https on localhost, under a certificate authority made on the spot; the programs by others are unmodified.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from demo import programs
from demo.authority import Authority, establish
from demo.poa import COUNCIL, REGISTRY, Cast, collect, make, show_checks
from demo.script import Script
from demo.stage import Stage, StageError
from shared.codec import qr
from shared.credentials import by_id

TYPE = by_id("representation")
THEIR_WALLET = "@openid4vc/openid4vci and @openid4vc/openid4vp"
THEIR_VERIFIER = "polaris-oid4vp"
CONFIGURATION = "representation-sd-jwt"
ASKED = ("represented.given_name", "represented.family_name", "decision_rule")
SERVICES = (("issuer", "registry"), ("verifier", "council"), ("wallet", "nora"))


@dataclass(frozen=True, slots=True)
class Abroad:
    """Who is on stage: our three services, a wallet by others, and the keys of a verifier by others."""

    cast: Cast
    wallet: programs.Asked
    pki: Path

    def council_anchor(self) -> str:
        """The certificate that wallets know the council by."""
        return Path(self.cast.council["anchor"]).read_text(encoding="utf-8")


async def play(stage: Stage, script: Script) -> list[str]:
    """Play the whole story and return the addresses and sign-ins to look around with."""
    script.title("Programs that others wrote: their wallet with our registry and council, our wallet with their verifier")
    pki = stage.folder / "pki"
    async with AsyncExitStack() as stack:
        await programs.make_keys(pki)
        authority = establish(pki.resolve())  # in the place of the one that the verifier made
        connector = aiohttp.TCPConnector(ssl=authority.client())
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=stage.http.timeout))
        here = replace(stage, http=http, scheme="https")
        cast = await set_up(here, script, authority)
        scene = Abroad(cast, await stack.enter_async_context(programs.asked("wallet", authority.ca)), pki)
        made = await make(here, script, cast)
        await take(script, scene, made)
        await ask(here, script, scene, expected="accepted")
        await collect(here, script, cast, await make(here, script, cast, reference="M-7890-0400-4001"))
        await show(here, script, scene)
        await cancel(here, script, scene, made)
        await ask(here, script, scene, expected="rejected: revoked")
    return [
        f"the registry's desk    {here.url('issuer')}/console/   sign in as {cast.registry['operator']} with {cast.registry['passphrase']}",
        f"Nora's wallet          {here.url('wallet')}/   sign in as {cast.nora['holder']} with {cast.nora['passphrase']}",
        f"the council's desk     {here.url('verifier')}/desk/   sign in as {cast.council['operator']} with {cast.council['passphrase']}",
        f"who certified them     {authority.ca}",
    ]


async def set_up(stage: Stage, script: Script, authority: Authority) -> Cast:
    with script.step("Set up a registry, a wallet and a council behind https", expected="three running") as step:
        registry = await asyncio.to_thread(init, stage, authority, "issuer", "registry", "--name", REGISTRY)
        trust_issuer = f"{registry['anchor']}:credential-issuer:{stage.url('issuer')}"
        council = await asyncio.to_thread(init, stage, authority, "verifier", "council", "--name", COUNCIL, "--trust", trust_issuer)
        trust_council = f"{council['anchor']}:relying-party:{stage.url('verifier')}"
        nora = await asyncio.to_thread(
            init, stage, authority, "wallet", "nora", "--holder", "Nora Ashdown", "--trust", trust_issuer, "--trust", trust_council
        )
        vouched = await asyncio.to_thread(
            stage.command, "issuer", "trust", "add", nora_anchor(stage), "--dir", str(stage.folder / "registry")
        )
        if vouched.returncode:
            raise StageError(f"the registry does not take the maker of Nora's wallet:\n{vouched.stderr}")
        for service, folder in SERVICES:  # one after the other: the wallet asks on its start who may ask it
            stage.serve(service, folder)
            await stage.ready(service, folder)
        body = {"holder": nora["holder"], "passphrase": nora["passphrase"]}
        session = await stage.call("POST", stage.url("wallet") + "/api/session", body=body)
        script.say(f"An authority for this story alone certified localhost: {authority.ca}")
        step.came("three running")
    return Cast(registry, nora, council, session["token"])


def nora_anchor(stage: Stage) -> str:
    """The certificate of who vouches for our wallet: its own service."""
    return str(stage.folder / "nora" / "anchor.pem")


def init(stage: Stage, authority: Authority, service: str, folder: str, *arguments: str) -> dict[str, Any]:
    """Set a service up, and tell it the certificate that it serves with and whom it trusts for https."""
    where = ("--public-url", stage.url(service), "--port", str(stage.ports[service]))
    made = stage.init(service, folder, *arguments, *where)
    paths = {"tls_cert": authority.certificate, "tls_key": authority.key, "outbound_ca_file": authority.ca}
    settings = (stage.folder / folder / f"{service}.toml").read_text(encoding="utf-8")
    settings += "".join(f"{name} = {json.dumps(str(path))}\n" for name, path in paths.items())
    if "outbound_allow" not in settings:  # a wallet for trying out has it from the beginning
        settings += 'outbound_allow = ["localhost:*"]\n'
    (stage.folder / folder / f"{service}.toml").write_text(settings, encoding="utf-8")
    return made


async def take(script: Script, scene: Abroad, made: dict[str, Any]) -> None:
    with script.step(f"A wallet by others ({THEIR_WALLET}) takes it", expected="2 copies as dc+sd-jwt, and the registry is told") as step:
        await scene.wallet.ask("open", anchors=[await asyncio.to_thread(scene.council_anchor)])
        told = await scene.wallet.ask("offer", link=made["invitation_link"])
        script.say(f"It read the invitation, and the metadata of {told['offer']['credential_issuer']}.")
        token = await scene.wallet.ask("redeem", tx_code=str(made["code"]), dpop=True)
        script.say(f"With the collection code it got an access token of the kind {token['token_type']}, tied to a key of its own.")
        got = await scene.wallet.ask("request", configuration=CONFIGURATION, count=2)
        await scene.wallet.ask("notify", id=got["notification_id"], event="credential_accepted")
        form = told["metadata"]["credential_configurations_supported"][CONFIGURATION]["format"]
        step.came(f"{len(got['credentials'])} copies as {form}, and the registry is told")


async def ask(stage: Stage, script: Script, scene: Abroad, *, expected: str) -> None:
    again = "" if expected == "accepted" else " again, with a fresh list"
    key, verifier = scene.cast.council["api_key"], stage.url("verifier")
    with script.step(f"The council asks{again}, and the wallet by others shows the document", expected=expected) as step:
        await stage.call("POST", f"{verifier}/api/refresh", key=key)
        body = {"type": "representation", "query": "council-tax"}
        request = await stage.call("POST", f"{verifier}/api/presentation-requests", key=key, body=body)
        (stage.folder / "request.png").write_bytes(qr.png(request["link"]))
        script.say(f"The request as a picture: {stage.folder / 'request.png'}")
        read = await scene.wallet.ask("ask", link=request["scheme_link"])
        script.say(f"It fetched the signed request of {read['client']['identifier']} and found the certificate good.")
        answer = await scene.wallet.ask("show")
        script.say(
            f"It sent its answer as {answer['mode']}; the council's service replied {answer['status']}. The verdict, a line a check:"
        )
        verdict = (await stage.call("GET", f"{verifier}/api/presentation-requests/{request['id']}", key=key))["verdict"]
        show_checks(script, verdict)
        step.came(verdict["decision"] if verdict["decision"] == "accepted" else f"{verdict['decision']}: {verdict['code']}")


async def show(stage: Stage, script: Script, scene: Abroad) -> None:
    key, wallet = scene.cast.wallet_key, stage.url("wallet")
    with script.step(f"A verifier by others ({THEIR_VERIFIER}) asks, and Nora agrees in our wallet", expected="200 authentic") as step:
        async with programs.verifier(scene.pki, Path(scene.cast.registry["anchor"]), TYPE.vct, *ASKED) as verifier:
            view = await stage.call("POST", f"{wallet}/api/requests", key=key, body={"link": verifier.link})
            script.say(f"On Nora's screen: {view['sentence']}")
            script.show("\n".join(f"would be shown: {line['label']}: {line['value']}" for line in view["details"]))
            script.show("\n".join(f"not shown: {label}" for label in view["not_shown"]))
            await stage.call(
                "POST",
                f"{wallet}/api/requests/{view['id']}/agree",
                key=key,
                body={name: view[name] for name in ("documents", "seen", "ways")},
            )
            step.came(await verifier.verdict())


async def cancel(stage: Stage, script: Script, scene: Abroad, made: dict[str, Any]) -> None:
    with script.step("The registry cancels what the wallet by others took", expected="cancelled") as step:
        url = f"{stage.url('issuer')}/api/credentials/{made['id']}/cancel"
        state = await stage.call("POST", url, key=scene.cast.registry["api_key"], body={"reason": "donor-revoked"})
        step.came(state["state"])
