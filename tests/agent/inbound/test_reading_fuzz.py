"""Mails broken at random: lines lost, doubled, swapped and cut, bytes changed, one mail's tail on another's head."""

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agent.inbound.reading import read_message
from agent.inbound.values import Kind, Reading
from tests.agent.inbound.conftest import NOW
from tests.builders import mail

_HTML = (
    "<html><body><p>Payé.</p><div class='gmail_signature'>Anna</div><div class='gmail_quote'><div class='gmail_attr'>"
    "Le lun. 2 mars 2026, Morel a écrit :</div><blockquote><p>Facture ?</p></blockquote></div><p>Non</p></body></html>"
)
SEEDS = (
    mail.letter(),
    mail.letter("Paid.\n\n-- \nAnna\n", headers={"Sender": "carl@customer.test", "Received": "from a by b; x"}),
    mail.letter("FYI\n\nFrom: Bob <b@x.test>\nSent: Monday\nTo: Anna\nSubject: x\n\nPaid.\n", subject="FW: Invoice"),
    mail.reply("<r.abc@example.test>", "See below.\n\n> Facture 1 ?\n\nPayée.\n\n> Facture 2 ?\n\nNon.\n"),
    mail.auto_reply("<r.abc@example.test>", "I am back on 20 March 2026. Urgent matters: paul@customer.test\n"),
    mail.bounce("<r.abc@example.test>"),
    mail.bounce(None, action="delayed", status="4.4.1"),
    mail.letter(_HTML).replace(b"text/plain", b"text/html"),
    mail.letter(f"--b\n\nPaid.\n--b\nContent-Type: text/html\n\n{_HTML}\n--b--\n").replace(
        b"text/plain; charset=utf-8", b"multipart/alternative; boundary=b"
    ),
)
_READING: TypeAdapter[Reading] = TypeAdapter(Reading)

Lines = list[bytes]
_at = st.integers(0, 200)


def _lose(at: int, _put: bytes) -> Callable[[Lines], Lines]:
    return lambda lines: lines[: at % len(lines)] + lines[at % len(lines) + 1 :]


def _double(at: int, _put: bytes) -> Callable[[Lines], Lines]:
    return lambda lines: [line for number, line in enumerate(lines) for _ in range(1 + (number == at % len(lines)))]


def _swap(at: int, _put: bytes) -> Callable[[Lines], Lines]:
    return lambda lines: lines[at % len(lines) :] + lines[: at % len(lines)]


def _change(at: int, put: bytes) -> Callable[[Lines], Lines]:
    return lambda lines: [
        line[: at % 40] + put + line[at % 40 + 1 :] if number == at % len(lines) else line
        for number, line in enumerate(lines)
    ]


def _graft(at: int, _put: bytes) -> Callable[[Lines], Lines]:
    other = SEEDS[at % len(SEEDS)].split(b"\r\n")
    return lambda lines: lines[: at % len(lines)] + other[at % len(other) :]


_STEPS = st.builds(
    lambda step, at, put: step(at, put),
    st.sampled_from((_lose, _double, _swap, _change, _graft)),
    _at,
    st.one_of(
        st.binary(max_size=4), st.sampled_from((b">", b"<", b"=?utf-8?q?=", b"\n\n", b"--b", b"\xff", b"\0", b":"))
    ),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SEEDS), st.lists(_STEPS, min_size=1, max_size=8))
def test_broken_mails_give_whole_readings(seed: bytes, steps: list[Callable[[Lines], Lines]]) -> None:
    lines = seed.split(b"\r\n")
    for step in steps:
        lines = step(lines) or [b""]
    reading = read_message(b"\r\n".join(lines), None, NOW)
    assert _READING.validate_json(_READING.dump_json(reading)) == reading
    assert (reading.bounce is not None) == (reading.kind is Kind.BOUNCE)
    assert (reading.auto_reply is not None) == (reading.kind is Kind.AUTO_REPLY)
    assert reading.kind is Kind.HUMAN or reading.forward is None
    for one in reading.inline:
        assert set(one.answer.split()) <= set(reading.new_text.split())


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 4_000))
def test_mails_that_were_cut_give_readings(seed: bytes, length: int) -> None:
    read_message(seed[:length], None, NOW)
