"""A register that was privatised, as a wallet hears of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from support.federation import MINISTRY, critical, says
from support.federations import Member, Realm, justice
from support.successions import handed, publish
from support.trial_verify import ISSUER, VCT, Authority
from support.world import World

from shared.keys import Role
from shared.trust.policy import Policy

REGISTER = "https://register-ltd.example"
NAMES = {"federation_entity": {"organization_name": "Register Ltd", "organization_name#cy": "Cofrestr Cyf"}}
NOTE = {"note": "Your record is now kept by Register Ltd.", "note#cy": "Cedwir eich cofnod gan Cofrestr Cyf."}


@cache
def company() -> Authority:
    return Authority.new(REGISTER)


def privatised(**said: Any) -> Realm:
    """The register of the Public Guardian came to a company yesterday, which may make the same documents."""
    realm = justice()
    realm.members[REGISTER] = Member(REGISTER, superiors=(MINISTRY,), keys={Role.CREDENTIAL_ISSUER: company().signer}, metadata=NAMES)
    realm[MINISTRY].about[REGISTER] = critical(entitlements=[says(VCT)])
    return publish(realm, MINISTRY, handed(realm[ISSUER], ISSUER, realm[REGISTER], **{"private": True, **NOTE, **said}))


def knowing(world: World, realm: Realm) -> Policy:
    """By certificates as before, and by what the federation was heard to say."""
    return replace(world.policy(), federation=realm.federation(MINISTRY, at=world.clock()))
