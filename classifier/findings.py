"""What is found in a message without any trained model: rules that match, invoices and sums that are named. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from classifier.assignment import Parts, part
from classifier.invoices import Mentions, find_invoices
from classifier.named_sums import NamedSum, named_sums
from classifier.preprocess import Prepared
from classifier.rules import RuleHit, match_rules
from classifier.values import Reply


@dataclass(frozen=True, slots=True)
class Findings:
    """What is found in a message without any trained model: rules that match, invoices and sums that are named."""

    rules: tuple[RuleHit, ...]
    mentions: Mentions
    parts: Parts
    sums: tuple[NamedSum, ...] = ()


def find(reply: Reply, prepared: Prepared) -> Findings:
    """The findings in one message."""
    mentions = find_invoices(prepared.sentences, prepared.language, reply.invoices)
    return Findings(
        tuple(match_rules(prepared.sentences, prepared.language)),
        mentions,
        part(mentions, prepared.sentences, prepared.language, reply.invoices),
        named_sums(prepared.sentences, prepared.language, reply.invoices),
    )
