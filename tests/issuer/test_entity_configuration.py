"""What an office says of itself in federations: signed by its federation key, every day and after each change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from support.registry import NOON, URL, Registry, Template, serving
from support.thrift import easy_seal

from issuer import upkeep
from issuer.app import one_round
from issuer.federation.own import entity_of
from issuer.office import ISSUER
from shared.clock import DAY, system_entropy
from shared.custody import open_custodian
from shared.errors import ConfigError, KeyRoleRefused, Missing
from shared.jose.jwk import thumbprint
from shared.keys import Unsigned
from shared.trust.federation_keys import parse_jwks
from shared.trust.key_proofs import proven
from shared.trust.statements import EntityStatement, check_statement, parse_statement
from shared.web.entity import FEDERATION

MINISTRY = "https://justice.example"
CYMRAEG = "Swyddfa’r Gwarcheidwad Cyhoeddus"


@pytest.fixture
async def member(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(
        template, tmp_path / "office", storage=storage_uri, authority_hints=(MINISTRY,), organization_name_cy=CYMRAEG
    ) as running:
        await one_round(running.app)
        yield running


async def said(registry: Registry) -> EntityStatement:
    answer = await registry.get("/.well-known/openid-federation")
    assert (answer.status, answer.content_type) == (200, "application/entity-statement+jwt")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return parse_statement(await answer.text())


async def test_it_names_itself_its_superiors_and_the_keys_of_its_documents(member: Registry) -> None:
    told = await said(member)
    check_statement(told, told.keys, at=member.clock())
    assert (told.iss, told.sub, told.authority_hints, told.exp) == (URL, URL, (MINISTRY,), told.iat + 7 * DAY)
    (jwk,) = told.metadata["openid_credential_issuer"]["jwks"]["keys"]
    assert jwk["kid"] == thumbprint(await member.office.custodian.public(ISSUER))
    assert told.jws.header["alg"] == "ES256"
    assert told.kid == thumbprint(await member.office.custodian.public(FEDERATION))
    names = told.metadata["federation_entity"]
    assert names["organization_name"] == "Office of the Public Guardian (test)"
    assert names["organization_name#cy"] == CYMRAEG


async def test_the_keys_that_it_names_prove_themselves(member: Registry) -> None:
    told = await said(member)
    issuer = told.metadata["openid_credential_issuer"]
    own = parse_jwks(issuer, "")
    assert proven(URL, "openid_credential_issuer", own, issuer, at=member.clock()) == own
    assert len(own) == 1


async def test_it_is_signed_anew_every_day_and_after_a_change_and_never_backwards(member: Registry) -> None:
    own, first = entity_of(member.office), await said(member)
    assert await own.configure() == first.wire
    member.clock.at = NOON + DAY
    second = parse_statement(await own.configure())
    assert second.iat == NOON + DAY
    member.clock.at = NOON + DAY + 60
    changed = msgspec.structs.replace(member.office.settings, authority_hints=())
    third = parse_statement(await entity_of(replace(member.office, settings=changed)).configure())
    assert (third.iat, third.authority_hints) == (NOON + DAY + 60, ())
    member.clock.at = NOON - 30 * DAY  # a clock set back says nothing older than was said
    assert parse_statement(await own.configure()).iat == third.iat


async def test_an_office_from_before_says_nothing_until_it_has_a_key(member: Registry, tmp_path: Path) -> None:
    before = open_custodian("memory:", entropy=system_entropy, passphrase=b"")
    own = entity_of(replace(member.office, custodian=before))
    with pytest.raises(Missing):
        await own.configure()
    with pytest.raises(ConfigError, match="keys create"):
        await own.examine()
    await own.tend()
    settings = msgspec.structs.replace(member.office.settings, keys=f"file:{tmp_path / 'bare.keys'}")
    with easy_seal():
        made = [await upkeep.create(member.directory, settings, clock=member.clock, entropy=system_entropy) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].startswith("federation key ")


async def test_its_key_signs_nothing_else_and_no_other_key_signs_it(member: Registry) -> None:
    """Security rule S1, by the custodian itself."""
    for key, typ in ((FEDERATION, "dc+sd-jwt"), (ISSUER, "entity-statement+jwt")):
        with pytest.raises(KeyRoleRefused):
            await member.office.custodian.sign(Unsigned(key=key, typ=typ, signing_input=b"x", complete=bytes.decode))


async def test_nothing_is_told_before_the_first_signature(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "office") as registry:
        await registry.office.storage.write(lambda tx: tx.execute("DELETE FROM own_configuration"))
        answer = await registry.get("/.well-known/openid-federation")
        assert (answer.status, answer.content_type) == (404, "application/json")
        assert (await answer.json())["error"] == "not_found"
