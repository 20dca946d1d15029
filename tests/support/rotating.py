"""Another key of an office, certified by its anchor, that signs documents from now on."""

from __future__ import annotations

from issuer import config
from issuer.office import Office
from shared.clock import system_entropy
from shared.keys import KeyId, Role, sign
from shared.private_file import read_secret
from shared.web.certificates import ANCHOR, ANCHOR_FILE, open_anchor
from shared.web.setup import create_keys, read_certificate, serial_number
from shared.web.signer import Signer
from shared.x509 import load_certificate, prepare_leaf

NEXT = KeyId("issuer-next")


async def follow_another_key(office: Office) -> Signer:
    """Who signs from now on."""
    await create_keys(office.custodian, {NEXT: Role.CREDENTIAL_ISSUER})
    unsigned = prepare_leaf(
        subject=office.settings.name,
        uris=[office.settings.public_url],
        role=Role.CREDENTIAL_ISSUER,
        public=await office.custodian.public(NEXT),
        issuer=read_certificate(office.directory / ANCHOR_FILE),
        key=ANCHOR,
        at=office.clock(),
        days=365,
        serial=serial_number(system_entropy),
    )
    async with open_anchor(office.directory, read_secret(config.key_file(office.directory)), system_entropy) as anchor:
        leaf = load_certificate(await sign(unsigned, anchor))
    office.signing.follow(Signer.of(NEXT, leaf))
    return office.signer
