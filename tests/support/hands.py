"""People with hands on the street of the offices and desks: holders, registrars and clerks, each at the pages of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from playwright.async_api import FilePayload, Locator
from support.browser import LAPTOP, PHONE, Open
from support.desk import Running
from support.neighbours import Neighbour
from support.offices import PASSPHRASE, Street
from support.registry import Registry
from support.scenes import collected, sign_in, type_code
from support.walk import PATIENCE, Typist, Walker
from support.wallets import Site, serve_wallet

from issuer.pages.form import fill_in
from shared.credentials import by_id
from shared.jose.jwt import parse_jwt
from wallet.keep import Vault


@dataclass(kw_only=True)
class Reader(Walker):
    """Keeps every page that was read, and everything that was ``done``."""

    pages: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    async def tick(self, what: Locator) -> None:
        self.done.append("tick")
        await super().tick(what)

    async def fill(self, what: Locator, text: str) -> None:
        self.done.append("write")
        await super().fill(what, text)

    async def press(self, name: str) -> None:
        self.done.append(f"press {name}")
        await super().press(name)

    async def enter(self, what: Locator) -> None:
        await Walker.enter(self, what)
        self.pages.append(await self.page.locator("body").inner_text())


class Typing(Reader, Typist):
    """The same, by keyboard alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What somebody is sent, and what they are told apart from it; ``document`` is its number at the office."""

    link: str
    code: str
    document: str


@dataclass(kw_only=True)
class Holder:
    """Somebody at the wallet."""

    site: Site
    walker: Reader

    @property
    def vault(self) -> Vault:
        """Open, as long as its holder is signed in."""
        (only,) = self.site.host.unlocked.vaults()
        return only

    async def enters(self) -> None:
        """Signs in, unless nobody closed it since."""
        await self.walker.go(f"{self.site.base}/sign-in")
        if await _is_asked(self.walker):
            await sign_in(self.walker, "Name of your wallet", self.site.made.holder, self.site.made.passphrase, "Open")

    async def collects(self, invited: Invitation) -> str:
        """The address of the card."""
        await self.walker.go(f"{self.site.base}/receive")
        await self.walker.write("Link of the invitation", invited.link)
        await self.walker.press("Continue")
        await type_code(self.walker, invited.code)
        return await collected(self.walker)

    async def writes(self, entity: str, name: str, question: str, *, card: str = "") -> bytes:
        """A copy made out to a body, looked at first; the file that is mailed. ``question``: kind of document and ready question; ``card``: whose
        document it is of, the newest that fits unless it is said.
        """
        await self.walker.go(f"{self.site.base}/copies/new")
        await self.walker.write("Organisation", name)
        await self.walker.write("The organisation’s own address", entity)
        await self.walker.tick(self.walker.page.locator(f'input[value="{question}"]'))
        if card:
            await self.walker.page.locator("#document").select_option(card.rpartition("/")[2])
        await self.walker.press("Look at it first")
        await self.walker.press("Make this copy")
        return await _saved(self.walker, "Save the copy as a file, to send by e-mail")

    async def locks(self) -> tuple[bytes, str]:
        """The copy that was just made, with seven words: the page that is mailed, and the words."""
        await self.walker.follow("Lock it, to send it safely")
        await self.walker.choose("I send it")
        await self.walker.press("Lock it")
        words = await self.walker.page.locator(".wal-code code").inner_text()
        await self.walker.press("I have noted them: go on")
        async with self.walker.page.expect_download() as saving:
            await self.walker.page.get_by_role("button", name="Save the locked copy, to send by e-mail").click()
        return (await (await saving.value).path()).read_bytes(), words.strip()

    async def answers(self, link: str, *more: str) -> None:
        """Shows what is demanded and, of what is up to the holder, no ``more`` than is named."""
        await self.walker.go(f"{self.site.base}/present")
        await self.walker.write("Link of the request", link)
        await self.walker.press("Continue")
        for detail in more:
            await self.walker.tick(self.walker.page.get_by_role("checkbox", name=detail))
        await self.walker.press("Share once")

    async def tells(self, card: str, entity: str, use: str) -> str:
        """Has the wallet write to a body's inbox what a document says; the page of what comes of it."""
        await self.walker.go(f"{self.site.base}/tell/new?document={card.rpartition('/')[2]}")
        await self.walker.tick(self.walker.page.locator(f'input[name=body][value="{entity} {use}"]'))
        await self.walker.press("See what each would learn")
        await self.walker.press("Agree and tell 1 organisation")
        return self.walker.page.url

    async def hears(self, telling: str, state: str, *words: str) -> str:
        """Looks at what came of it until it stands so and says these ``words``; what the page says."""
        page, said = self.walker.page, ""
        for _ in range(PATIENCE // 1000):
            await self.walker.go(telling)
            said = await self.walker.text()
            if await page.locator(f'[data-state="{state}"]').count() == 1 and all(each in said for each in words):
                return said
            await page.wait_for_timeout(1000)
        raise AssertionError(f"{telling}: never {state} with {words}: {said}")

    async def takes_in(self, receipt: str) -> None:
        """A receipt that came by mail, for the newest copy that was made out."""
        await self.walker.go(f"{self.site.base}/history?kind=addressed-copy")
        await self.walker.enter(self.walker.page.locator("tbody").get_by_role("link").first)
        await self.walker.follow("I was given a receipt")
        await self.walker.write("Or its text", receipt)
        await self.walker.press("Take it in")

    async def answer(self) -> dict[str, str]:
        """The newest receipt, as the history tells of it: its number, what they decided, and why."""
        page, why = self.walker.page, self.walker.page.locator("#why")
        await self.walker.go(f"{self.site.base}/history?kind=answer")
        await self.walker.enter(page.locator("tbody").get_by_role("link").first)
        found = {"number": await self.walker.row("Number"), "decision": await self.walker.row("What they decided")}
        return found | {"why": await why.inner_text() if await why.count() else ""}


@dataclass(kw_only=True)
class Clerk:
    """Whoever is at a desk."""

    desk: Running
    walker: Reader

    async def enters(self) -> None:
        """Signs in, unless signed in already."""
        await self.walker.go(f"{self.desk.base}/desk/")
        if await _is_asked(self.walker):
            await sign_in(self.walker, "Your name", "Bea Clerk", PASSPHRASE, "Sign in")

    async def asks(self, question: str, *, died_by: str = "", whole_day: bool = False) -> str:
        """Shows a square code; what it says. ``died_by``: year-month-day on or before which somebody has to have died."""
        walker, page = self.walker, self.walker.page
        await walker.go(f"{self.desk.base}/desk/ask")
        await walker.tick(page.locator(f'input[value="{question}"]'))
        if died_by or whole_day:
            await walker.hit(page.get_by_text("If the date of death matters"))
        for part, text in zip(("year", "month", "day"), died_by.split("-") if died_by else (), strict=False):
            await walker.fill(page.locator(f'[id="died_by.{part}"]'), text)
        if whole_day:
            await walker.choose("I need the very day")
        await self.walker.press("Show the square code")
        return await self.walker.code()

    async def opens(self, file: bytes) -> tuple[str, str]:
        """Has a file checked that came by e-mail; ``reads`` of it."""
        await self.brings(mailed(file, "copy.json", "application/json"))
        return await self.reads()

    async def unlocks(self, page: bytes, words: str) -> None:
        """Has a locked page checked that came by e-mail, with the words that came otherwise."""
        await self.brings(mailed(page, "locked-copy.html", "text/html"), words)

    async def brings(self, file: FilePayload, words: str = "") -> None:
        """To the page where copies are checked."""
        await self.walker.go(f"{self.desk.base}/desk/copies")
        await self.walker.upload(file)
        if words:
            await self.walker.write("The seven words, if it is locked", words)
        await self.walker.press("Check it")

    async def reads(self, number: str = "") -> tuple[str, str]:
        """How the request of that ``number``, or what is on the page, was decided: its heading, and the desk's own word for why."""
        if number:
            await self.walker.go(f"{self.desk.base}/desk/requests/{number}")
        state = await self.desk.state({"id": number or self.walker.page.url.partition("?")[0].rpartition("/")[2]})
        return (await self.walker.heading()).partition(":")[0], str(state["code"])

    async def signs(self) -> str:
        """The clerk's answer to whoever wrote, as it is mailed."""
        return (await _saved(self.walker, "Save the receipt")).decode()

    async def receipt(self) -> dict[str, Any]:
        """What it says."""
        return dict(parse_jwt(await self.signs()).claims)

    async def records(self, *names: str) -> Invitation:
        """The power on the page, for the attorney of these ``names`` to carry."""
        await self.walker.follow("Give a record of this")
        for label, name in zip(("First names of the person who acts", "Last name of the person who acts"), names, strict=True):
            await self.walker.write(label, name)
        await self.walker.press("Make it")
        return await self.gives()

    async def gives(self) -> Invitation:
        """What the page says to whoever is to collect the document that was just made."""
        page = self.walker.page
        number = await page.get_by_text("Number of the document:").inner_text()
        link, code = await page.locator("#given-link").inner_text(), await page.locator(".mu-code code").inner_text()
        return Invitation(link=link, code=code.strip(), document=number.partition(": ")[2].strip())


@dataclass(kw_only=True)
class Registrar:
    """Whoever is at the console of an office."""

    office: Registry
    walker: Reader

    async def enters(self) -> None:
        """Signs in, unless signed in already."""
        await self.walker.go(f"{self.office.base}/console/")
        if await _is_asked(self.walker):
            await sign_in(self.walker, "Your name", "Iris Admin", self.office.passphrase, "Sign in")

    async def makes(self, kind: str, claims: Mapping[str, Any], *, reference: str = "") -> Invitation:
        """Fills in the form, checks the answers, makes the document; ``reference``: the office's own."""
        walker, page = self.walker, self.walker.page
        await walker.go(f"{self.office.base}/console/make/{kind}")
        for name, value in fill_in(by_id(kind), claims).items():
            await self._answer(page.locator(f'[name="{name}"]:not([type=hidden])'), value)
        if reference:
            await walker.write("Your own reference (optional)", reference)
        await walker.press("Check the answers")
        await walker.press("Make the document")
        return await self.invites(page.url.removesuffix("/made").rpartition("/")[2])

    async def makes_for_donor(self, document: str) -> Invitation:
        """The donor's side of an attorney's document."""
        await self.walker.go(f"{self.office.base}/console/documents/{document}/donor")
        await self.walker.press("Make the donor’s document")
        return await self.invites(self.walker.page.url.removesuffix("/made").rpartition("/")[2])

    async def invites(self, document: str) -> Invitation:
        """What whoever is to carry a document is given."""
        page = self.walker.page
        await self.walker.go(f"{self.office.base}/console/documents/{document}")
        await self.walker.follow("Show the invitation on screen")
        link = await page.locator("#invitation-link").inner_text()
        await self.walker.go(f"{self.office.base}/console/documents/{document}/code")
        code = await page.locator(".mu-code__value").inner_text()
        return Invitation(link=link, code=code.strip(), document=document)

    async def finds(self, reference: str) -> dict[str, str]:
        """The documents under the office's own reference: number, and how each stands."""
        page = self.walker.page
        await self.walker.go(f"{self.office.base}/console/documents")
        await self.walker.write("Find by your own reference or by number", reference)
        await self.walker.press("Find")
        rows = page.get_by_role("table").get_by_role("row")
        found = {}
        for row in (await rows.all())[1:]:
            address = await row.get_by_role("link").get_attribute("href") or ""
            found[address.rpartition("/")[2]] = (await row.get_by_role("cell").last.inner_text()).strip()
        return found

    async def _answer(self, asked: Locator, value: str) -> None:
        """However it is asked: text, a list to pick from, or choices; what has one answer only is not asked."""
        how = await asked.evaluate_all("all => all.length ? all[0].type : ''")
        if how in {"radio", "checkbox"}:
            await self.walker.tick(asked.and_(self.walker.page.locator(f'[value="{value}"]')))
        elif how == "select-one":
            await asked.select_option(value)
        elif how:
            await self.walker.fill(asked, value)

    async def changes(self, document: str, button: str, reason: str) -> None:
        """Holds a document, lets it go on or ends it."""
        await self.walker.go(f"{self.office.base}/console/documents/{document}")
        await self.walker.enter(self.walker.page.get_by_role("button", name=button))
        await self.walker.choose(reason)
        await self.walker.press(button)


async def _is_asked(walker: Walker) -> bool:
    return await walker.page.locator("input[name=passphrase]").count() > 0


async def _saved(walker: Walker, link: str) -> bytes:
    async with walker.page.expect_download() as saving:
        await walker.hit(walker.page.get_by_role("link", name=link))
    return (await (await saving.value).path()).read_bytes()


def mailed(file: bytes, name: str, media_type: str) -> FilePayload:
    """What comes out of a mail into which somebody put a file (RFC 5322, RFC 2045), as its reader saves it."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "nora@mail.example", "post@body.example", name
    mail.set_content("Please see the file.")
    main, _, sub = media_type.partition("/")
    mail.add_attachment(file, maintype=main, subtype=sub, filename=name)
    (part,) = message_from_bytes(mail.as_bytes(), _class=EmailMessage, policy=SMTP).iter_attachments()
    content, saved = part.get_payload(decode=True), part.get_filename()
    assert isinstance(content, bytes)
    assert saved is not None
    return {"name": saved, "mimeType": part.get_content_type(), "buffer": content}


@asynccontextmanager
async def opened_wallet(
    street: Street, folder: Path, open_page: Open, *, careful: bool = False, world: Neighbour | None = None, size: dict[str, int] = PHONE
) -> AsyncIterator[Holder]:
    """With nothing in it yet, and its holder before it, on a phone unless another ``size`` is said."""
    async with serve_wallet(folder, world=world or Neighbour(street)) as site:
        holder = Holder(site=site, walker=Reader(watched=await open_page(size), careful=careful))
        await holder.enters()
        yield holder


async def at_desk(street: Street, entity: str, open_page: Open, *, hand: type[Reader] = Reader, careful: bool = False) -> Clerk:
    clerk = Clerk(desk=street.desks[entity], walker=hand(watched=await open_page(LAPTOP), careful=careful))
    await clerk.enters()
    return clerk


async def at_office(street: Street, url: str, open_page: Open, *, careful: bool = False) -> Registrar:
    registrar = Registrar(office=street.offices[url], walker=Reader(watched=await open_page(LAPTOP), careful=careful))
    await registrar.enters()
    return registrar


async def invited(street: Street, office: str, kind: str, claims: Mapping[str, Any]) -> Invitation:
    """What an office's own program has made."""
    made = await street.offices[office].make(type=kind, claims=claims)
    return Invitation(link=made["invitation_link"], code=made["code"], document=made["id"])
