"""The person who looks at what another made: approves it, or sends it back, as it stands now."""

from __future__ import annotations

from issuer import approval
from issuer.office import Office
from issuer.records import documents
from issuer.sessions import Actor, Document

ANA = Actor(role="approver", name="Ana")


async def version_of(office: Office, number: str) -> int:
    return await office.storage.read(lambda tx: documents.written(tx, number))


async def approve(office: Office, number: str, actor: Actor = ANA) -> Document:
    return await approval.approve(office, number, actor, version=await version_of(office, number))


async def send_back(office: Office, number: str, reason: str, actor: Actor = ANA) -> Document:
    return await approval.refuse(office, number, reason, actor, version=await version_of(office, number))
