"""Operators with an account elsewhere: what the settings may say, what groups make of somebody, and what rows remember of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigError, Conflict, Malformed, SignInRequired
from shared.storage import Storage, open_storage
from shared.web import operator_logins, operators, passkeys, staff_login
from shared.web.auth import MIGRATIONS
from shared.web.operator_logins import LATELY, Coming
from shared.web.operators import Operator
from shared.web.passkeys import Passkey
from shared.web.settings import OperatorSettings
from shared.web.staff_login import Elsewhere

RANKS = ("clerk", "approver", "admin")
GIVEN: dict[str, Any] = {
    "operator_login_issuer": "https://login.example",
    "operator_login_client_id": "office",
    "operator_login_name": "Staff Account",
    "operator_login_roles": ("desk=clerk", "cn=Seconds,ou=x=approver", "heads = admin"),
}


def elsewhere(directory: Path, **changes: Any) -> Elsewhere | None:
    return staff_login.elsewhere_of(OperatorSettings(**GIVEN | changes), directory, ranks=RANKS, back="https://office.example/back")


def test_settings(tmp_path: Path) -> None:
    assert elsewhere(tmp_path, operator_login_issuer="") is None
    (tmp_path / "operator-login.secret").write_text("s3cret\n")
    (tmp_path / "operator-login.secret").chmod(0o600)
    found = elsewhere(tmp_path)
    assert found is not None
    assert found.roles == {"desk": "clerk", "cn=Seconds,ou=x": "approver", "heads": "admin"}
    assert (found.provider.secret, found.provider.scopes, found.claim) == ("s3cret", ("openid", "profile"), "groups")
    public = elsewhere(tmp_path, operator_login_secret_file=str(tmp_path / "none"))
    assert public is not None
    assert public.provider.secret == ""


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"operator_login_client_id": ""}, "operator_login_client_id"),
        ({"operator_login_name": ""}, "operator_login_name"),
        ({"operator_login_roles": ()}, "operator_login_roles"),
        ({"operator_login_roles": ("desk",)}, "operator_login_roles"),
        ({"operator_login_roles": ("=admin",)}, "operator_login_roles"),
        ({"operator_login_roles": ("desk=chief",)}, "operator_login_roles"),
        ({"operator_login_roles": ("desk=clerk", "desk=admin")}, "operator_login_roles"),
        ({"operator_login_issuer": "http://login.example"}, "operator_login_issuer"),
        ({"operator_login_issuer": "https://login.example?x=1"}, "operator_login_issuer"),
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, changes: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as told:
        elsewhere(tmp_path, **changes)
    assert told.value.where == where


def test_secret_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "operator-login.secret").write_text("s3cret\n")
    (tmp_path / "operator-login.secret").chmod(0o644)
    with pytest.raises(ConfigError):
        elsewhere(tmp_path)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["desk"], "clerk"),
        ("desk", "clerk"),
        (["heads", "desk"], "admin"),
        (["desk", "cn=Seconds,ou=x", "other"], "approver"),
        (["Desk", "desk ", "des"], None),
        ([], None),
        (None, None),
    ],
)
def test_highest_role_of_the_groups(tmp_path: Path, groups: object, role: str | None) -> None:
    found = elsewhere(tmp_path)
    assert found is not None
    assert found.role_of({} if groups is None else {"groups": groups}) == role


ANY = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(ANY)
def test_any_groups_are_names_or_an_error(value: object) -> None:
    with suppress(Malformed):
        assert all(isinstance(group, str) for group in staff_login.groups_in({"groups": value}, "groups"))


@given(st.dictionaries(st.sampled_from(["name", "preferred_username", "email", "sub"]), ANY))
def test_any_claims_name_somebody_on_one_line(claims: dict[str, object]) -> None:
    name = staff_login.name_in(claims)
    assert len(name) <= staff_login.MAX_NAME
    assert name.isprintable()
    assert name == " ".join(name.split())


def test_a_name_that_turns_the_line_around_is_straightened() -> None:
    assert staff_login.name_in({"name": "Iris\u202e \n nimdA"}) == "Iris nimdA"
    assert staff_login.name_in({"name": " \u202e ", "email": "iris@office.example"}) == "iris@office.example"


# --- rows ------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def storage(storage_uri: str) -> AsyncIterator[Storage]:
    one = open_storage(storage_uri)
    await one.migrate(MIGRATIONS)
    iris = Operator(id="iris", name="Iris Admin", role="admin", passphrase="phc", made_at=0, ended_at=None)
    await one.write(lambda tx: operators.add(tx, iris))
    yield one
    await one.close()


NORA = Coming(login=b"\x01" * 32, provider="https://login.example", name="Nora", role="clerk", id="n1")


async def test_one_record_for_one_account_whose_role_follows_and_whose_name_stays(storage: Storage) -> None:
    first = await storage.write(lambda tx: operator_logins.admit(tx, NORA, 1))
    assert first is not None
    assert (first.id, first.name, first.role, first.elsewhere) == ("n1", "Nora", "clerk", True)
    again = await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, name="Iris Admin", role="admin", id="n2"), 2))
    assert again == replace(first, role="admin")
    assert await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, role=None, id="n3"), 3)) is None
    assert await storage.read(operator_logins.refused) == {"n1"}
    assert await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, id="n4"), 4)) == first
    assert await storage.read(operator_logins.refused) == set()


async def test_a_stranger_without_a_group_leaves_no_record(storage: Storage) -> None:
    assert await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, role=None), 1)) is None
    assert [each.id for each in await storage.read(operators.everybody)] == ["iris"]


async def test_nobody_takes_anothers_name(storage: Storage) -> None:
    """Four eyes compare operators by what they are called, so a name is one person's for good, also after she left."""
    other = await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, name=" iris  ADMIN"), 1))
    third = await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, login=b"2", id="n2", name="Iris Admin"), 1))
    assert other is not None
    assert third is not None
    assert [operators.fold(other.name), third.name] == ["iris admin (2)", "Iris Admin (3)"]


@pytest.mark.parametrize(
    "like", ["Iris\u2800Admin", "Iris Admin\u3164", "I\u034fris Admin", "Iris Admin\ufe0f", "\uff29ris Admin", "Iri\u017f Admin"]
)
async def test_nobody_looks_like_another(storage: Storage, like: str) -> None:
    found = await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, name=staff_login.name_in({"name": like})), 1))
    assert found is not None
    assert operators.fold(like) == "iris admin"
    assert operators.fold(found.name) == "iris admin (2)"


async def test_marks_and_letters_taken_apart_are_one(storage: Storage) -> None:
    for name, id_, numbered in (("Zo\u00eb", "z1", False), ("Zoe\u0308", "z2", True)):
        coming = replace(NORA, login=id_.encode(), id=id_, name=staff_login.name_in({"name": name}))
        found = await storage.write(partial(operator_logins.admit, coming=coming, at=1))
        assert found is not None
        assert found.name == ("Zo\u00eb (2)" if numbered else "Zo\u00eb")


def test_a_name_that_nobody_sees_is_none() -> None:
    assert staff_login.name_in({"name": "\u3164\u2800", "email": "iris@office.example"}) == "iris@office.example"


async def test_who_was_removed_here_stays_out(storage: Storage) -> None:
    await storage.write(lambda tx: operator_logins.admit(tx, NORA, 1))
    await storage.write(lambda tx: operators.end(tx, "n1", 2))
    with pytest.raises(SignInRequired):
        await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, role="admin"), 3))


async def test_an_admin_with_a_passphrase_is_left(storage: Storage) -> None:
    await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, role="admin"), 1))
    with pytest.raises(Conflict):
        await storage.write(lambda tx: operators.end(tx, "iris", 2))


async def test_another_way_for_an_admin(storage: Storage) -> None:
    """Only an admin who was let in at this provider lately, at her last login, or has a passkey for this host has one."""

    async def there(provider: str = NORA.provider, *, host: str = "office.example", at: int = 1) -> bool:
        return await storage.read(lambda tx: operator_logins.another_way(tx, provider, host=host, at=at))

    assert not await there()
    await storage.write(lambda tx: operator_logins.admit(tx, NORA, 1))
    assert not await there()
    await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, role="admin"), 1))
    assert await there()
    assert not await there("https://other.example")
    assert await there(at=1 + LATELY)
    assert not await there(at=2 + LATELY)
    await storage.write(lambda tx: operator_logins.admit(tx, replace(NORA, role=None), 1))
    assert not await there()
    hers: dict[str, Any] = {
        "subject": operators.subject("iris"),
        "handle": b"h",
        "data": b"d",
        "uses": 0,
        "name": "p",
        "made_at": 0,
        "used_at": None,
    }
    for name, host in ((b"1", ""), (b"2", "other.example"), (b"3", "office.example")):
        assert not await there()
        await storage.write(partial(passkeys.add, new=Passkey(id=name, host=host, **hers)))
    assert await there()
