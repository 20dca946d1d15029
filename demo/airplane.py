"""Story ``airplane``: a wallet's page and a desk's page, both without a network, a telephone's screen and two cameras between them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from PIL import Image

from demo.browser import LAPTOP, PHONE, Person, Silence, people
from demo.camera import MEDIOCRE, film
from demo.poa import BANK, REGISTRY, Cast, collect, make
from demo.script import Script
from demo.stage import Stage
from shared.clock import system_entropy
from shared.web.passphrases import generate_passphrase

PURPOSE = "Bank account"
SCREEN, TELEPHONE = 120.0, 62.0  # millimetres that a code is wide on the desk's screen and on the telephone
FAR = 0.35  # metres from the telephone to the desk's camera
NEAR = 0.45  # metres from the telephone's camera to the desk's screen


@dataclass(slots=True)
class Scene:
    """Who is on stage, with what they signed in with, and what opens the phone and the desk in this one performance."""

    cast: Cast
    nora: Person
    counter: Person
    silence: Silence
    for_phone: str = field(default_factory=lambda: generate_passphrase(system_entropy))
    for_desk: str = field(default_factory=lambda: generate_passphrase(system_entropy))


async def play(stage: Stage, script: Script) -> list[str]:
    """Play the whole story; nothing stays to look around in, for the services are stopped in the middle of it."""
    script.title("In airplane mode on both sides: from a telephone's screen to a bank's webcam")
    cast = await set_up(stage, script)
    made = await make(stage, script, cast)
    await collect(stage, script, cast, made)
    async with people(stage.folder, ("nora", PHONE), ("counter", LAPTOP)) as (nora, counter):
        scene = Scene(cast, nora, counter, Silence())
        await keep_on_phone(stage, script, scene)
        await make_a_desk(stage, script, scene)
        await switch_off(stage, script, scene)
        try:
            await ask(script, scene)
            await agree(script, scene)
            await read(script, scene)
            silent(script, scene)
        finally:
            scene.silence.end()
    return []


async def set_up(stage: Stage, script: Script) -> Cast:
    with script.step("Set up a registry, a wallet and a bank that know each other", expected="three running") as step:
        registry = await asyncio.to_thread(
            stage.init, "issuer", "registry", "--name", REGISTRY, "--public-url", stage.url("issuer"), "--port", str(stage.ports["issuer"])
        )
        trust_issuer = f"{registry['anchor']}:credential-issuer:{stage.url('issuer')}"
        bank = await asyncio.to_thread(
            stage.init, "verifier", "bank", "--name", BANK, "--public-url", stage.url("verifier"),
            "--port", str(stage.ports["verifier"]), "--trust", trust_issuer,
        )  # fmt: skip
        nora = await asyncio.to_thread(
            stage.init, "wallet", "nora", "--holder", "Nora Ashdown", "--public-url", stage.url("wallet"),
            "--port", str(stage.ports["wallet"]), "--trust", trust_issuer,
            "--trust", f"{bank['anchor']}:relying-party:{stage.url('verifier')}",
        )  # fmt: skip
        services = (("issuer", "registry"), ("verifier", "bank"), ("wallet", "nora"))
        for service, folder in services:  # one after the other: the wallet asks on its start who may ask it
            stage.serve(service, folder)
            await stage.ready(service, folder)
        session = await stage.call(
            "POST", stage.url("wallet") + "/api/session", body={"holder": nora["holder"], "passphrase": nora["passphrase"]}
        )
        step.came("three running")
    return Cast(registry, nora, bank, session["token"])


async def keep_on_phone(stage: Stage, script: Script, scene: Scene) -> None:
    nora, page = scene.nora, scene.nora.page
    with script.step("Nora keeps the document on her phone, for no signal", expected="kept on this phone") as step:
        await page.goto(stage.url("wallet") + "/sign-in?next=/phone/")
        await page.get_by_label("Name", exact=False).first.fill(str(scene.cast.nora["holder"]))
        await page.get_by_label("Passphrase", exact=False).first.fill(str(scene.cast.nora["passphrase"]))
        await page.get_by_role("button").filter(has_text="Open").first.click()
        await nora.heading("Nothing is kept on this phone yet")
        await nora.picture("nothing-kept")
        await nora.press("Keep on this phone")
        await nora.heading("Keep on this phone for no signal")
        await page.locator("#new_passphrase").fill(scene.for_phone)
        await page.locator("#repeat").fill(scene.for_phone)
        await nora.picture("what-will-happen")
        await nora.press("Keep on this phone")
        await nora.heading("Kept on this phone")
        await nora.picture("kept")
        script.say("Her phone made one key for each copy; the office made the copies for them. The wallet's service has none of the keys.")
        await nora.press("Go to my documents")
        await page.locator("#ready").wait_for()
        step.came("kept on this phone")


async def make_a_desk(stage: Stage, script: Script, scene: Scene) -> None:
    counter, page = scene.counter, scene.counter.page
    with script.step("The bank makes a laptop at counter 3 a checking desk", expected="a desk, with a checking pack") as step:
        await stage.call("POST", stage.url("verifier") + "/api/refresh", key=str(scene.cast.council["api_key"]))
        await page.goto(stage.url("verifier") + "/desk/sign-in?next=/desk/scan/")
        await page.get_by_label("Name", exact=False).first.fill(str(scene.cast.council["operator"]))
        await page.get_by_label("Passphrase", exact=False).first.fill(str(scene.cast.council["passphrase"]))
        await page.get_by_role("button", name="Sign in").click()
        await counter.heading("Make this a checking desk")
        await page.locator("#scan-name").fill("Counter 3")
        await page.locator("#scan-passphrase").fill(scene.for_desk)
        await page.locator("#scan-again").fill(scene.for_desk)
        await counter.picture("make-a-desk")
        await counter.press("Set up this desk")
        await page.get_by_text(PURPOSE, exact=True).first.wait_for()
        await counter.picture("desk")
        step.came("a desk, with a checking pack")


async def switch_off(stage: Stage, script: Script, scene: Scene) -> None:
    nora, counter = scene.nora, scene.counter
    with script.step("Both browsers are closed, the services stopped, and airplane mode begins", expected="both pages open again") as step:
        for person in (nora, counter):
            await person.close()
        stage.stop()
        await scene.silence.begin(stage.ports.values())
        for person in (nora, counter):
            await person.airplane(stage.isolation)
        script.say(
            f"Each browser runs in {stage.isolation.how}." if stage.isolation.prefix else "Both browsers are told that they are offline."
        )
        script.say("Where the services were, somebody listens now and counts whoever calls.")
        await nora.page.goto(stage.url("wallet") + "/phone/")
        await nora.heading("Unlock your documents")
        await nora.page.locator("#passphrase").fill(scene.for_phone)
        await nora.press("Unlock")
        await nora.heading("Your documents on this phone")
        await nora.page.get_by_text("There is no network", exact=True).wait_for()
        await nora.picture("without-signal")
        await counter.page.goto(stage.url("verifier") + "/desk/scan/")
        await counter.heading("Open this desk")
        await counter.page.locator("#scan-passphrase").fill(scene.for_desk)
        await counter.press("Open")
        await counter.page.get_by_text("No network at this moment").wait_for()
        await counter.picture("without-network")
        for person in (nora, counter):
            person.sent.clear()  # on being opened each asks its own service once how things stand; from here on nothing is asked
        step.came("both pages open again")


async def ask(script: Script, scene: Scene) -> None:
    counter = scene.counter
    with script.step("The desk asks: its question as a square code", expected="a code on the screen", network=False) as step:
        await counter.page.get_by_text(PURPOSE, exact=True).first.click()
        await counter.heading("Let them scan this code")
        await counter.picture("question")
        shown = await counter.canvas("canvas[data-part=code]")
        await filmed(scene.nora, [shown], millimetres=SCREEN, distance=NEAR)
        step.came("a code on the screen")


async def agree(script: Script, scene: Scene) -> None:
    nora, page = scene.nora, scene.nora.page
    with script.step("Nora's phone scans it, says who asks and why, and she agrees", expected="shows square codes", network=False) as step:
        await nora.allow_camera()
        await nora.press("Show at a desk")
        await page.locator("[data-do=decline]").first.wait_for()
        script.say(f"On Nora's screen: {await page.locator('#view h1').inner_text()}")
        script.show("\n".join(await page.locator("[data-list=required] dt").all_inner_texts()))
        await nora.picture("who-asks")
        await nora.press("Show once")
        await page.locator("canvas").wait_for()
        await nora.press("Pause")
        await nora.picture("answer")
        screens = await _loop(nora)
        await filmed(scene.counter, screens, millimetres=TELEPHONE, distance=FAR)
        script.say(f"{len(screens)} square codes, five a second; filmed by a mediocre webcam from {FAR * 100:.0f} cm.")
        step.came("shows square codes")


async def filmed(person: Person, screens: list[Image.Image], *, millimetres: float, distance: float) -> None:
    """What this person's camera sees of these screens: a webcam in a room takes 15 pictures a second, each of which is played twice."""

    def make() -> list[bytes]:
        return [each for frame in film(screens, MEDIOCRE, millimetres=millimetres, distance=distance, hold=3) for each in (frame, frame)]

    person.sees(await asyncio.to_thread(make))


async def _loop(nora: Person) -> list[Image.Image]:
    """Every code of the loop, one step after the other."""
    label = await nora.page.locator("canvas").get_attribute("aria-label")
    screens = []
    for _ in range(max(map(int, re.findall(r"\d+", label or "1")))):
        screens.append(await nora.canvas("canvas"))
        await nora.press("Next square")
    return screens


async def read(script: Script, scene: Scene) -> None:
    counter = scene.counter
    expected = "level 3, shown live to you: You can rely on this"
    with script.step("The desk's camera reads the phone, and the page decides by itself", expected=expected, network=False) as step:
        await counter.allow_camera()
        await counter.press("Start the camera")
        verdict = counter.page.locator("[data-part=verdict]")
        await verdict.wait_for()
        await counter.picture("verdict")
        heading = await verdict.locator("h1").inner_text()
        level, number = await verdict.locator("[data-slot=level]").inner_text(), await verdict.get_attribute("data-level")
        script.say(level)
        script.say(await verdict.locator("[data-slot=knowledge]").inner_text())
        script.show("\n".join(" ".join(line.split()) for line in await counter.page.locator("[data-part=checks] li").all_inner_texts()))
        step.came(f"level {number}, {level.partition(':')[0].lower()}: {heading}")
        await scene.nora.press("Done")
        await scene.nora.heading("Shown once")
        await scene.nora.picture("shown-once")


def silent(script: Script, scene: Scene) -> None:
    with script.step("What was asked of a network since the desk asked", expected="nothing", network=False) as step:
        sent = scene.nora.sent + scene.counter.sent
        script.say(f"Calls that arrived where the services were: {scene.silence.heard}. Addresses that a page asked for: {len(sent)}.")
        step.came("nothing" if not scene.silence.heard and not sent else f"{scene.silence.heard} calls, {', '.join(sent) or 'no address'}")
