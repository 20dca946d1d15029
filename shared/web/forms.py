"""Forms as people fill them in: what they typed stays, each error stands beside its field and in the summary on top."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from multidict import MultiDictProxy


class Form:
    """Values and errors of one form. In code ``form.error("name", _("Enter your name"))``; in templates ``form.value("name")``,
    ``form.message("name")`` (what the govuk macros take as ``errorMessage``) and ``error_summary(form)``.

    The id of a field on the page is its name, unless ``error(…, anchor="…")`` says otherwise (the first radio of a group, for instance).
    """

    def __init__(self, posted: MultiDictProxy[str] | Mapping[str, str] | None = None) -> None:
        self._posted = posted if posted is not None else {}
        self._errors: dict[str, tuple[str, str]] = {}

    def value(self, name: str, default: str = "") -> str:
        """What was typed, spaces around it dropped; ``default`` for a field that was not sent."""
        found = self._posted.get(name)
        return default if found is None else found.strip()

    def values(self, name: str) -> list[str]:
        """All values of a field that may be ticked several times."""
        if isinstance(self._posted, MultiDictProxy):
            return list(self._posted.getall(name, []))
        return [self._posted[name]] if name in self._posted else []

    def date(self, name: str) -> str:
        """Three boxes (``date_field`` of parts.html) as year-month-day; what is no number stays as it is, to be refused, never guessed at."""
        day, month, year = (self.value(f"{name}.{part}") for part in ("day", "month", "year"))
        return "-".join((year, month and month.zfill(2), day and day.zfill(2))).rstrip("-")

    def sent(self) -> list[tuple[str, str]]:
        """Every field with its value as it came, for a page that asks for a yes."""
        return list(self._posted.items())

    def need(self, name: str, message: str) -> str:
        """The value; if it is empty, ``message`` is the field's error."""
        value = self.value(name)
        if not value:
            self.error(name, message)
        return value

    def error(self, name: str, message: str, *, anchor: str = "") -> None:
        """Say what is wrong with a field and how to put it right; the first error of a field stands."""
        self._errors.setdefault(name, (message, anchor or name))

    @property
    def wrong(self) -> bool:
        """Whether anything has to be put right."""
        return bool(self._errors)

    def message(self, name: str) -> dict[str, str] | None:
        """The error beside the field."""
        return {"text": self._errors[name][0]} if name in self._errors else None

    def summary(self) -> Iterator[dict[str, str]]:
        """The lines of the error summary, each a link to its field."""
        return ({"text": message, "href": f"#{anchor}"} for message, anchor in self._errors.values())
