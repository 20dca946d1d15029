"""Staff of a desk with an account elsewhere, at a provider that is a dictionary: groups, sessions, and answers that will not do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from support.browser import PHONE, Open, Walker
from support.clerk import Clerk
from support.desk import Running, Site, Template, serving
from support.desk_scan import Enrolled
from support.signing import Signer
from yarl import URL

from shared.codec import base64url
from shared.flow import Fetch, Fetched
from shared.jose.jwk import render_jwk
from shared.web import operators
from verifier.pages.entrance import ways_in

LOGIN = "https://login.example"
BACK = "/desk/sign-in/login/back"
SETTINGS: dict[str, Any] = {
    "operator_login_issuer": LOGIN,
    "operator_login_client_id": "desk",
    "operator_login_name": "Staff Account",
    "operator_login_roles": ("desk=clerk", "heads=admin"),
    "operator_login_hours": 2,
}


@dataclass
class Provider(Site):
    """Signs in whoever the test says. ``claims`` go into the next ID token."""

    signer: Signer = field(default_factory=Signer.new)
    claims: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, fetch: Fetch) -> Fetched:
        if not fetch.url.startswith(LOGIN) or LOGIN in self.down:
            return await super().__call__(fetch)
        return Fetched(status=200, body=json.dumps(self._answer(urlsplit(fetch.url).path)).encode())

    def _answer(self, path: str) -> Any:
        header, body = (base64url.encode(json.dumps(part).encode()) for part in ({"alg": "ES256"}, self.claims))
        signed = f"{header}.{body}"
        return {
            "/.well-known/openid-configuration": {
                "issuer": LOGIN,
                "authorization_endpoint": f"{LOGIN}/auth",
                "token_endpoint": f"{LOGIN}/token",
                "jwks_uri": f"{LOGIN}/keys",
                "authorization_response_iss_parameter_supported": True,
            },
            "/token": {"id_token": f"{signed}.{base64url.encode(self.signer.raw(signed.encode()))}"},
            "/keys": {"keys": [render_jwk(self.signer.public)]},
        }[path]


@dataclass
class Staff:
    """Somebody at the door of the desk, and what the provider says of her."""

    desk: Running
    provider: Provider
    clerk: Clerk

    async def go(self, after: str = "") -> dict[str, str]:
        """What the provider is asked."""
        token = await self.clerk.token(f"/desk/sign-in?{urlencode({'next': after})}")
        page = await self.clerk.post("/desk/sign-in/login", {"form_token": token})
        address = page.split('href="' + LOGIN)[1].split('"')[0]
        return {name: values[0] for name, values in parse_qs(urlsplit(LOGIN + address).query).items()}

    async def come(self, asked: dict[str, str], *, status: int = 200, iss: str = LOGIN, state: str = "", **claims: Any) -> str:
        at = self.desk.clock.at
        said = {"iss": LOGIN, "aud": "desk", "sub": "bea", "iat": at, "exp": at + 60, "auth_time": at}
        said |= {"nonce": asked["nonce"], "name": "Bea Far"}
        self.provider.claims = said | claims
        query = urlencode({"code": "c", "iss": iss, "state": state or asked["state"]})
        async with self.desk.http.get(f"{self.desk.base}{BACK}?{query}") as answer:
            self.clerk.at = answer.url.path
            assert answer.status == status, await answer.text()
            return await answer.text()

    async def sign_in(self, *groups: str, status: int = 200, **claims: Any) -> str:
        return await self.come(await self.go(), status=status, groups=list(groups), **claims)

    async def people(self) -> dict[str, str]:
        return {each.name: each.role for each in await self.desk.desk.storage.read(operators.everybody)}

    async def is_in(self) -> bool:
        async with self.desk.http.get(self.desk.base + "/desk/", allow_redirects=False) as answer:
            return answer.status == 200

    def take_cookies(self) -> dict[str, str]:
        """Another browser from now on."""
        jar = self.desk.http.cookie_jar
        held = {cookie.key: cookie.value for cookie in jar}
        jar.clear()
        return held

    def give_cookies(self, held: dict[str, str]) -> None:
        self.take_cookies()
        self.desk.http.cookie_jar.update_cookies(held, URL(self.desk.base))

    async def sign_out(self) -> None:
        await self.clerk.post("/desk/sign-out", {"form_token": await self.clerk.token()})


@pytest.fixture
async def staff(template: Template, tmp_path: Path) -> AsyncIterator[Staff]:
    provider = Provider()
    async with serving(template, tmp_path / "desk", site=provider, local=True, **SETTINGS) as desk:
        yield Staff(desk, provider, Clerk(desk))


async def test_role_follows_the_groups_at_each_login(staff: Staff) -> None:
    asked = await staff.go("/desk/decisions")
    assert asked["scope"] == "openid profile"
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == staff.desk.base + BACK
    await staff.come(asked, groups=["other", "desk"])
    assert staff.clerk.at == "/desk/decisions"
    assert (await staff.people())["Bea Far"] == "clerk"
    assert "Who signs in how" not in await staff.clerk.get("/desk/")
    await staff.sign_out()
    await staff.sign_in("desk", "heads", name="Bea Clerk")
    assert await staff.people() == {"Bea Clerk": "admin", "Bea Far": "admin"}
    assert "With Staff Account." in await staff.clerk.get("/desk/passkeys/everybody")


async def test_no_group_no_entry_and_a_group_that_ended_ends_the_session(staff: Staff) -> None:
    page = await staff.sign_in("other", status=400)
    assert "Your account at Staff Account is in no group that may sign in here" in page
    assert list(await staff.people()) == ["Bea Clerk"]
    await staff.sign_in("desk")
    held = staff.take_cookies()
    assert not await staff.is_in()
    staff.give_cookies(held)
    assert await staff.is_in()
    staff.take_cookies()
    await staff.sign_in(status=400)
    staff.give_cookies(held)
    assert not await staff.is_in()


async def test_sessions_of_accounts_elsewhere_end_after_hours(staff: Staff) -> None:
    await staff.sign_in("desk")
    for _ in range(5):
        staff.desk.clock.at += 20 * 60
        assert await staff.is_in()
    staff.desk.clock.at += 20 * 60 + 1
    assert not await staff.is_in()


async def test_who_comes_from_elsewhere_has_no_other_way(staff: Staff) -> None:
    """Neither a passkey nor a passphrase outlives a group."""
    await staff.sign_in("desk")
    token = await staff.clerk.token("/desk/passkeys")
    assert "You sign in with Staff Account" in await staff.clerk.get("/desk/passkeys")
    await staff.clerk.post("/desk/passkeys", {"form_token": token, "passkey": "{}"}, status=403)
    assert "have no passphrase here" in await staff.clerk.get("/desk/passphrase")
    await staff.clerk.post("/desk/passphrase", {"form_token": token, "passphrase": "", "new": "correct-horse-battery"}, status=403)
    await staff.sign_out()
    for passphrase in ("x", "correct-horse-battery"):
        await staff.clerk.post("/desk/sign-in", {"name": "Bea Far", "passphrase": passphrase, "next": ""}, status=400)


@pytest.mark.parametrize(
    "how",
    [
        {"iss": "https://evil.example"},
        {"state": "x"},
        {"nonce": "x"},
        {"aud": "other"},
        {"exp": 1},
        {"auth_time": 1},
        {"groups": {"desk": True}},
        {"groups": [1]},
    ],
)
async def test_staff_answers_that_will_not_do(staff: Staff, how: dict[str, Any]) -> None:
    page = await staff.come(await staff.go(), status=400, **{"groups": ["heads"], **how})
    assert "You were not signed in at Staff Account" in page
    assert list(await staff.people()) == ["Bea Clerk"]


async def test_an_answer_serves_once_and_in_one_browser(staff: Staff) -> None:
    asked = await staff.go()
    held = staff.take_cookies()
    assert "open for too long" in await staff.come(asked, status=400, groups=["heads"])
    staff.give_cookies(held)
    await staff.come(asked, groups=["heads"])
    assert await staff.is_in()
    await staff.sign_out()
    staff.give_cookies(held)
    await staff.come(asked, status=400, groups=["heads"])
    assert not await staff.is_in()


async def test_a_login_of_before_the_page_was_asked_for(staff: Staff) -> None:
    """As a provider sends it that goes by its own session, whatever it was asked."""
    then = staff.desk.clock.at
    staff.desk.clock.at += 290
    assert "You were not signed in" in await staff.sign_in("heads", status=400, auth_time=then)


async def test_no_other_site_uses_up_the_tries_of_an_office(staff: Staff) -> None:
    """Answers that answer nothing are neither counted nor followed up."""
    await staff.clerk.token("/desk/sign-in")
    staff.provider.down.add(LOGIN)
    for _ in range(60):
        async with staff.desk.http.get(f"{staff.desk.base}{BACK}?state=x&code=y") as answer:
            assert answer.status == 400
            assert "You were not signed in at Staff Account" in await answer.text()  # not that it does not answer
    await staff.clerk.sign_in()
    assert await staff.is_in()


async def test_forms_of_others_begin_no_sign_in(staff: Staff) -> None:
    await staff.clerk.token("/desk/sign-in")
    await staff.clerk.post("/desk/sign-in/login", {"form_token": "x"}, status=403)
    staff.take_cookies()
    assert "open for too long" in await staff.clerk.post("/desk/sign-in/login", {"form_token": "x"}, status=400)
    async with staff.desk.http.get(staff.desk.base + "/desk/sign-in/login") as answer:
        assert answer.status == 405


async def test_a_provider_that_does_not_answer(staff: Staff) -> None:
    staff.provider.down.add(LOGIN)
    token = await staff.clerk.token("/desk/sign-in")
    assert "does not answer at this moment" in await staff.clerk.post("/desk/sign-in/login", {"form_token": token}, status=400)


async def test_who_was_removed_at_the_desk_stays_out(staff: Staff) -> None:
    await staff.sign_in("heads")
    (bea,) = [each for each in await staff.desk.desk.storage.read(operators.everybody) if each.name == "Bea Far"]
    held = staff.take_cookies()
    await staff.clerk.sign_in()
    page = await staff.clerk.get("/desk/passkeys/everybody")
    assert "Remove Bea Far" in page
    assert "Remove Bea Clerk" not in page
    form = {"form_token": await staff.clerk.token("/desk/passkeys/everybody"), "operator": bea.id}
    assert "Bea Far" not in await staff.clerk.post("/desk/passkeys/everybody/end", form)
    staff.give_cookies(held)
    assert not await staff.is_in()
    assert "You were removed here" in await staff.sign_in("heads", status=400)


async def test_a_clerk_changes_nothing_that_others_rest_on(staff: Staff) -> None:
    desk = staff.desk
    await staff.sign_in("heads")
    assert "Fetch all lists now" in await staff.clerk.get("/desk/trust")
    made = await enrol_as(desk)
    assert "by Bea Far" in await staff.clerk.get("/desk/scan/desks")
    await staff.sign_out()
    await staff.sign_in("desk")
    form = {"form_token": await staff.clerk.token()}
    key = Enrolled.new_key()[1]
    async with desk.http.post(f"{desk.base}/desk/scan/api/desks", json={"name": "Counter 4", "key": key}) as answer:
        assert answer.status == 403
    for path in (f"/desk/scan/desks/{made['id']}/end", "/desk/trust/packs", "/desk/trust/refresh", "/desk/webhook"):
        await staff.clerk.post(path, form, status=403)
    for path, button in (("scan/desks", "/end"), ("trust/packs", "Use this checking pack"), ("trust", "Fetch all lists now")):
        assert button not in await staff.clerk.get(f"/desk/{path}")


@pytest.mark.parametrize("how", ["removed", "refused"])
async def test_desks_end_with_whoever_set_them_up(staff: Staff, how: str) -> None:
    await staff.sign_in("heads")
    hers = await enrol_as(staff.desk)
    (bea,) = [each for each in await staff.desk.desk.storage.read(operators.everybody) if each.name == "Bea Far"]
    staff.take_cookies()
    await staff.clerk.sign_in()
    others = await enrol_as(staff.desk)
    if how == "removed":
        form = {"form_token": await staff.clerk.token("/desk/passkeys/everybody"), "operator": bea.id}
        await staff.clerk.post("/desk/passkeys/everybody/end", form)
    else:
        staff.take_cookies()
        await staff.sign_in(status=400)
    for made, status in ((hers, 401), (others, 200)):
        headers = {"Authorization": f"Bearer {made['token']}"}
        async with staff.desk.http.post(f"{staff.desk.base}/desk/scan/api/certificate", headers=headers) as answer:
            assert answer.status == status


async def enrol_as(desk: Running) -> dict[str, str]:
    """A checking desk, set up by whoever is signed in."""
    body = {"name": "Counter 3", "key": Enrolled.new_key()[1]}
    async with desk.http.post(f"{desk.base}/desk/scan/api/desks", json=body) as answer:
        assert answer.status == 201, await answer.text()
        return dict(await answer.json())


async def test_passphrases_stay_on_where_no_group_makes_admins_any_more(staff: Staff) -> None:
    await staff.sign_in("heads")
    ways, storage, at = replace(ways_in(staff.desk.desk), passphrases=False), staff.desk.desk.storage, staff.desk.clock()
    assert ways.elsewhere is not None
    assert not await ways.take_passphrases(storage, at)
    assert await ways.take_passphrases(storage, at + 15 * 86_400)
    assert await replace(ways, elsewhere=replace(ways.elsewhere, roles={"heads": "clerk"})).take_passphrases(storage, at)


async def test_without_settings_there_is_no_such_way(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", local=True) as desk:
        assert "With an account elsewhere" not in await Clerk(desk).get("/desk/sign-in")
        async with desk.http.get(desk.base + BACK) as answer:
            assert answer.status == 404


@pytest.mark.real
async def test_staff_pages_on_a_phone(staff: Staff, open_page: Open) -> None:
    """The page before the provider's, and those of the desk about one's ways in."""
    watched = await open_page(PHONE)
    walker, page = Walker(watched, "desk-ways"), watched.page
    await page.goto(f"{staff.desk.base}/desk/sign-in")
    await page.get_by_role("button", name="Sign in with Staff Account").click()
    await page.get_by_text("Next you go to login.example").wait_for()
    await walker.look("onward")
    await page.get_by_role("link", name="Back", exact=True).click()
    await page.get_by_label("Your name").fill("Bea Clerk")
    await page.get_by_label("Passphrase", exact=True).fill("correct-horse-battery")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("link", name="Who signs in how").click()
    await page.get_by_text("With a passphrase.").wait_for()
    await walker.look("everybody")
    await page.goto(f"{staff.desk.base}/desk/passkeys")
    await walker.look("passkeys")
