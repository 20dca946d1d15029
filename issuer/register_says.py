"""What a register says of an entry of its own, in its own word, done to the documents that were made of it (``CredentialType.states``).

What a word means is data of the kind of document; why it was said is not in the word, so whoever passes it on says that too. A word that
brings a cancelled entry back brings back no document: a new one is made (security rule S19).
"""

from __future__ import annotations

from dataclasses import dataclass

from issuer import revoke
from issuer.office import Office
from issuer.revoke import Many, Wish
from issuer.sessions import Action, Actor
from shared.errors import Conflict, Malformed

_ACTIONS = {"valid": Action.REINSTATE, "on-hold": Action.HOLD, "cancelled": Action.CANCEL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """``word`` of the register about its entry, which is our ``reference``; ``reason`` is a code of the kind of document.

    ``document`` is the number of the one that a word is about that is said of its holder alone (``CredentialType.of_holder``).
    """

    type: str
    reference: str
    word: str
    reason: str
    document: str = ""


async def follow_register(office: Office, said: Said, actor: Actor, *, preview: bool, confirm_count: int | None) -> tuple[Wish, Many]:
    """Change all documents of that kind under the reference, or the one of which the word is; what stands already as the word has it is left.

    ``Malformed`` for a word that the kind does not know, no document for one that is said of a holder, or a reason that is none for what it means; ``Conflict`` for a word of which no
    document may be there, or unless ``confirm_count`` is how many would change.
    """
    kind = office.type(said.type)
    state = kind.states.get(said.word)
    if state is None:
        raise Malformed(f"the register's word is one of: {', '.join(sorted(kind.states))}", where="/word")
    if (said.word in kind.of_holder) != bool(said.document):
        of_one = (
            "this word is said of one holder: name their document"
            if not said.document
            else "this word is said of all holders: name no document"
        )
        raise Malformed(of_one, where="/document")
    if state == "never":
        raise Conflict("no document is made of such an entry: cancel one that was, as made in error")
    action = _ACTIONS[state]
    known = [each.value for each in kind.reasons_for(action.value)]
    if said.reason not in known:
        raise Malformed(f"the reason is one of: {', '.join(known)}", where="/reason")
    wish = Wish(action=action, reason=said.reason, actor=actor)
    many = await revoke.change_many(
        office, [said.reference], wish, preview=preview, confirm_count=confirm_count, only=kind.id, one=said.document
    )
    return wish, many
