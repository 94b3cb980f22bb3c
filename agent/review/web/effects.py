"""What followed from a person's word, in the words of the page's language."""

from collections.abc import Iterable

from agent.replies.word import Effect
from agent.reports.words import Tongue


def told(tongue: Tongue, effects: Iterable[Effect]) -> list[str]:
    """One sentence for each effect."""
    return [
        tongue.say(
            f"effect.{effect.code}",
            invoice=effect.invoice or "",
            on=tongue.day(effect.on) if effect.on is not None else "",
            detail=_detail(tongue, effect),
        )
        for effect in effects
    ]


def _detail(tongue: Tongue, effect: Effect) -> str:
    kinds = {"disputed": "dispute", "noted": "intent", "goes_on": "state", "again": "state", "moved_on": "state"}
    prefix = kinds.get(effect.code)
    return tongue.say(f"{prefix}.{effect.detail}") if prefix is not None and effect.detail else effect.detail or ""
