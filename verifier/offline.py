"""``muniment-verifier check``: one copy or answer, one checking pack, no network. What it imports it needs; it opens no socket.

With a state file it also remembers: packs and lists that must not come back older, documents seen cancelled, copies seen before, and
questions that wait for an answer.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from shared.addressed import render_file
from shared.clock import DAY, Clock
from shared.codec import base64url, strict_json
from shared.codec.reader import get_int, get_object
from shared.credentials import all_types
from shared.errors import ConfigError, Malformed, Rejected, Undecided, Untrusted, VcError
from shared.private_file import write_whole
from shared.terminal import REFUSED, UNDECIDED, plain
from shared.trust.anchors import TrustAnchors, parse_trust
from shared.trust.bundle import PAGE_TYPES, BundleMemory, VerifiedBundle, parse_bundle, parse_memory, render_memory, verify_bundle
from shared.trust.missing import missing_anchor
from shared.trust.policy import Policy
from shared.verify import Check, Material, decide_error, render_verdict, replayed
from verifier import admission, offline_acts, words
from verifier.answers import judge_live, judge_parts
from verifier.check import MAX_COPY, Judged
from verifier.details import details
from verifier.locked import is_locked, key_named, unlock, words_at_terminal
from verifier.offline_acts import Acts, parse_acts, render_acts
from verifier.questions import CodeQuestion, LiveQuestion, Questions, parse_questions, render_questions
from verifier.uses import Use, served

EXIT: Final[Mapping[str, int]] = {"accepted": 0, "rejected": REFUSED, "undecided": UNDECIDED}
_LIFE: Final = 16 * DAY  # seconds after which no copy can be good any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What must survive between two checks. ``seen`` maps the replay key of each copy relied upon (security rule S9) to the second
    after which that copy is past its own end; ``questions`` are the desk's own, each good for one answer; ``acts`` wait for more people.
    """

    packs: BundleMemory = field(default_factory=BundleMemory)
    seen: Mapping[bytes, int] = field(default_factory=dict)
    questions: Questions = field(default_factory=Questions)
    acts: Acts = field(default_factory=dict)

    def asking(self, question: LiveQuestion | CodeQuestion, *, at: int) -> Memory:
        """With one question more, and without those that have run out."""
        return replace(self, questions=self.questions.at(at).add(question))


def parse_state(data: bytes) -> Memory:
    """``Malformed`` unless ``data`` was written by ``render_state``: a broken memory is never an empty one."""
    obj = strict_json.load_object(data, max_bytes=64_000_000)
    if get_int(obj, "version") != 1:
        raise Malformed("this program reads version 1", where="/version")
    seen, questions = get_object(obj, "seen"), get_object(obj, "questions", optional=True)
    return Memory(
        packs=parse_memory(strict_json.dumps(get_object(obj, "packs"))),
        seen={base64url.decode(key, where="/seen"): get_int(seen, key, "/seen") for key in seen},
        questions=Questions() if questions is None else parse_questions(questions, "/questions"),
        acts=parse_acts(obj),
    )


def render_state(memory: Memory) -> bytes:
    """The bytes that ``parse_state`` reads back to the same value."""
    seen = {base64url.encode(key): until for key, until in sorted(memory.seen.items())}
    packs = strict_json.loads(render_memory(memory.packs), max_bytes=64_000_000)
    known = {"version": 1, "packs": packs, "seen": seen, "questions": render_questions(memory.questions)}
    return strict_json.dumps(known | ({"acts": render_acts(memory.acts)} if memory.acts else {}))


def check(arguments: argparse.Namespace, *, clock: Clock) -> int:
    """The command. 0 accepted, 1 rejected, 2 undecided."""
    trust = read_trust(trust_file(arguments))
    parts = [part for name in arguments.files for part in _brought(name)]
    pack = read_file(Path(arguments.bundle), 64_000_000)
    entity, at = entity_of(arguments), clock()
    sealed = next((part for part in parts if is_locked(part)), None)
    refused = None
    if sealed is not None:
        try:
            parts = [render_file(unlock(sealed, _secret(arguments, sealed, entity), entity=entity, at=at))]
        except Rejected as error:
            refused = Judged(decision=decide_error(error, at=at))
    if refused is not None:
        judged = refused
    elif arguments.state is None:
        judged, _ = decide(parts, pack, Memory(), trust=trust, entity=entity, at=at)
    else:
        with remembering(Path(arguments.state)) as kept:
            judged, kept.memory = decide(parts, pack, kept.memory, trust=trust, entity=entity, at=at)
    verdict = tell(judged, remembered=arguments.state is not None)
    sys.stdout.write(json.dumps(verdict, ensure_ascii=False) + "\n" if arguments.json else render(judged, verdict))
    return EXIT[judged.decision.decision]


def _secret(arguments: argparse.Namespace, sealed: bytes, entity: str) -> str | Mapping[str, Any]:
    """What opens a locked link: its words, or the key of the inbox in the data folder that it was locked for."""
    kid = key_named(sealed, entity=entity)
    if kid is None:
        return words_at_terminal(arguments.words)
    from verifier.inbox_keys import opening  # noqa: PLC0415 - database and keys are opened for this alone
    from verifier.opening import run_with  # noqa: PLC0415 - as above

    return run_with(arguments.dir, lambda desk: opening(desk, kid), started=False)


def entity_of(arguments: argparse.Namespace) -> str:
    """``--as``, else the organisation of the only desk here."""
    if arguments.entity is not None:
        return str(arguments.entity)
    from verifier import config, counter  # noqa: PLC0415 - as below

    return counter.find(config.folder(arguments.dir), None).entity


def _brought(name: str) -> list[bytes]:
    """A link as it was pasted, else what is in the file or folder of that name."""
    if name.startswith(("https://", "http://")):
        return [name.encode()]
    return [read_file(file, MAX_COPY) for file in _files(Path(name))]


def _files(path: Path) -> list[Path]:
    """The file itself, or all in a folder: pictures of a loop of codes."""
    return sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]


def trust_file(arguments: argparse.Namespace) -> Path:
    """``--trust``, else the data folder's own."""
    if arguments.trust is not None:
        return Path(arguments.trust)
    from verifier import config  # noqa: PLC0415 - settings cost more than the check itself

    return config.trust(config.folder(arguments.dir))


def read_trust(file: Path) -> TrustAnchors:
    """Whom the owner of ``file`` trusts; ``ConfigError`` if that cannot be read."""
    try:
        return parse_trust(read_file(file, 4_000_000))
    except Malformed as error:
        raise ConfigError(f"{file} does not say whom to trust: {error.detail}", where="trust") from error


def read_file(file: Path, max_bytes: int) -> bytes:
    """The contents, one byte more than ``max_bytes`` at most; ``ConfigError`` if there is no such file."""
    try:
        with file.open("rb") as stream:
            return stream.read(max_bytes + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error


def decide(parts: Sequence[bytes], pack: bytes, memory: Memory, *, trust: TrustAnchors, entity: str, at: int) -> tuple[Judged, Memory]:
    """The decision about what came in these files, and what is known afterwards."""
    try:
        verified = open_pack(pack, memory.packs, trust=trust, at=at)
        uses = _uses(verified)
    except (Rejected, Undecided) as error:
        return Judged(decision=decide_error(error, at=at)), memory
    material = Material(
        policy=Policy.sealed(trust, verified.snapshots, verified.crls, seen=verified.memory.snapshots, federation=verified.federation),
        types=all_types(),
        certificates=verified.certificates,
        memory=verified.memory.statuses,
        source=verified.source,
        floor=verified.memory.floor,
    )
    waiting = memory.questions.at(at)
    outcome = judge_parts(parts, waiting, entity=entity, uses=uses, material=material, answer=verified.answer, at=at)
    judged, agreed = outcome.judged, 0
    acts: Acts = offline_acts.at(memory.acts, at)
    if outcome.live is not None and judged.use is not None:
        again = partial(judge_live, use=judged.use, material=material, answer=verified.answer, at=at)
        decision, acts, agreed = offline_acts.join(acts, outcome.live, judged.decision, again, now=at)
        named = base64url.encode(outcome.live.challenge.transaction or b"")
        judged = replace(judged, decision=decision, agreed=agreed, transaction=named)
    decision = judged.decision
    if decision.decision == "accepted" and any(key in memory.seen for key in decision.replay_keys):
        judged, acts = replace(judged, decision=replayed(decision)), offline_acts.at(memory.acts, at)
    seen = {key: until for key, until in memory.seen.items() if until > at}
    if judged.decision.decision == "accepted":
        seen |= dict.fromkeys(decision.replay_keys, at + _LIFE)
    packs = verified.memory.with_statuses(decision.learnt)
    answered = outcome.answered or (outcome.live.nonce if agreed and outcome.live is not None else "")
    return judged, Memory(packs=packs, seen=seen, questions=waiting.without(answered), acts=acts)


def _uses(pack: VerifiedBundle) -> list[Use]:
    """All uses, with what whoever made the pack admits for them: what the service refuses is refused here."""
    try:
        return admission.admitting(served(all_types().values()), admission.of_pack(pack.bundle.of(PAGE_TYPES)))
    except Malformed as error:
        raise Untrusted(f"this is no checking pack: {error.detail}", where=error.where) from error


def open_pack(data: bytes, memory: BundleMemory, *, trust: TrustAnchors, at: int) -> VerifiedBundle:
    """The checking pack, by a signer whom ``trust`` names. What is no pack at all is as good as one by nobody."""
    try:
        return verify_bundle(
            parse_bundle(data), signers=trust.bundle_signers, at=at, memory=memory, anchors=trust.anchors, federation=trust.federation
        )
    except Malformed as error:
        raise Untrusted(f"this is no checking pack: {error.detail}", where=error.where) from error


@dataclass(slots=True)
class Kept:
    """The memory in a file, while nobody else has it."""

    memory: Memory


@contextmanager
def remembering(file: Path) -> Iterator[Kept]:
    """The memory in ``file``. What is put in its place is on the disk before anything is told."""
    with _locked(file):
        try:
            memory = parse_state(file.read_bytes()) if file.exists() else Memory()
        except VcError as error:
            raise ConfigError(f"{file} is not a memory of checks: {error.detail}", where="state") from error
        kept = Kept(memory)
        yield kept
        if kept.memory != memory:
            write_whole(file, render_state(kept.memory))


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Two checks at once would both find a copy unseen."""
    try:
        handle = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"cannot open the folder of {file}: {error.strerror}", where="state") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise ConfigError(f"cannot keep the memory of checks in {file}: {error.strerror}", where="state") from error
    finally:
        os.close(handle)


# --- what is printed -------------------------------------------------------------------------------------------------------------------


def tell(judged: Judged, *, remembered: bool) -> dict[str, Any]:
    """The rendered verdict with the sentences that go with it, in English."""
    verdict = render_verdict(judged.decision)
    return verdict | {
        "sentence": words.sentence(verdict),
        "knowledge": words.knowledge(verdict),
        "level_sentence": words.level(verdict["level"]["name"], seen="checked" if remembered else "unchecked"),
        "purpose": "" if judged.use is None else judged.use.query.title.en,
        **({"act": {"agreed": judged.agreed, "reference": judged.transaction}} if judged.agreed else {}),
    }


def render(judged: Judged, verdict: Mapping[str, Any]) -> str:
    """For a person at a terminal: a line a check, the verdict, how old the knowledge is, what was shown."""
    lines = []
    for check_ in judged.decision.checks:
        line = words.line_of(check_)
        lines.append(f"{line.state:9s}  {line.text}")
    lines += ["", verdict["sentence"]]
    if verdict["decision"] == "accepted":
        lines += [f"Not checked: {words.line_of(each).text}" for each in words.open_lines(verdict)]
    lines += _missing(judged.decision.checks)
    lines += ["", verdict["knowledge"], verdict["level_sentence"]]
    if judged.agreed:
        lines.append(f"{judged.agreed} {'has' if judged.agreed == 1 else 'have'} agreed so far.{_next(judged)}")
    if verdict["purpose"]:
        lines.append(f"Its purpose: {verdict['purpose']}.")
    for credential in judged.decision.credentials:
        kind = all_types()[credential.claims.vct]
        lines += ["", f"{kind.title.en}, from {credential.issuer_name}:"]
        if credential.succeeded_by is not None:
            lines.append(f"  {credential.succeeded_by.name.en} keeps the records of that office now.")
        lines += [f"  {row.label}: {', '.join(map(plain, row.values))}" for row in details(kind, credential.claims.claims)]
    return "\n".join(lines) + "\n"


def _next(judged: Judged) -> str:
    """How the next person is asked, where somebody still has to agree."""
    if judged.use is None or judged.decision.decision != "undecided":
        return ""
    return f" Ask the next: muniment-verifier challenge --use {judged.use.query.id} --together {judged.transaction}"


def _missing(checks: Sequence[Check]) -> list[str]:
    """Whom one would have to trust, in a stranger's own words; nobody is trusted by that."""
    named = (missing_anchor(each.detail) for each in checks if each.code == Untrusted.code)
    found = next((each for each in named if each is not None), None)
    if found is None:
        return []
    if found.entity:
        return [f"Its federation's anchor is not trusted here: {found.entity} (muniment-verifier trust add)"]
    if found.body:
        return [f"No federation that is trusted here speaks of {found.body}"]
    return [f"It was certified by an authority that is not trusted here: {found.authority} (muniment-verifier bundle trust)"]
