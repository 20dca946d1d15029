"""What the office says of single copies, for wallets to staple to what they show where a desk's list may be old.

Open to everybody like the list itself, whose entries it tells and nothing else. A wallet asks for all its copies at once, by the clock and
never because of a use (security rule S21). All that is said within one hour bears the date of its beginning and ends together, so that
two copies shown are not known for one holder's by the second in which their assertions were fetched (security rule S22); what was
cancelled or put on hold within that hour is told all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from issuer.office import Office
from issuer.publish import list_uri
from issuer.records import statuses
from shared.clock import DAY
from shared.codec import strict_json
from shared.codec.reader import pointer
from shared.cose import kid_of
from shared.errors import InvalidRequest, Missing
from shared.keys import sign
from shared.status.assertion import prepare_assertion
from shared.storage import Tx
from shared.web.rates import Limit

MAX_INDICES = 100
RATE = Limit("status-assertion", 600, 60)
HOUR = 3600
DAYS = 7  # the most that a reader takes


def parse_indices(body: bytes) -> tuple[int, ...]:
    """``{"idx": [1 to 100 different indices]}``; ``InvalidRequest`` with a pointer, ``Malformed`` where it is no JSON object."""
    asked = strict_json.load_object(body).get("idx")
    if not isinstance(asked, list) or not 1 <= len(asked) <= MAX_INDICES:
        raise InvalidRequest(f"1 to {MAX_INDICES} indices are asked for at once", where="/idx")
    for position, index in enumerate(asked):
        if type(index) is not int or index < 0 or index in asked[:position]:
            raise InvalidRequest("each index is a whole number, and there once", where=pointer("/idx", position))
    return tuple(asked)


async def assertions(office: Office, number: int, indices: Sequence[int]) -> list[bytes]:
    """One for each index, in the order in which they were asked for. ``Missing`` without such a list, ``InvalidRequest`` beyond its end."""

    async def unit(tx: Tx) -> tuple[int, dict[int, int]]:
        return await statuses.size_of(tx, number), await statuses.values_of(tx, number, indices)

    at = office.clock()
    size, values = await office.storage.read(unit)
    if not size:
        raise Missing("there is no such status list")
    for position, index in enumerate(indices):
        if index >= size:
            raise InvalidRequest("the status list has no such entry", where=pointer("/idx", position))
    iat = at - at % HOUR
    exp = iat + min(DAYS, office.settings.status_days) * DAY
    uri, signer = list_uri(office, number), office.signer
    kid = kid_of(signer.public)
    unsigned = (
        prepare_assertion(uri=uri, idx=index, status=values.get(index, 0), iat=iat, exp=exp, key=signer.key, kid=kid, alg=signer.alg)
        for index in indices
    )
    return [await sign(each, office.custodian) for each in unsigned]
