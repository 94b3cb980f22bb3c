"""The tag in our Reply-To, through a real border with and without `recipient_delimiter` (RFC 5233)."""

import smtplib

import pytest

from agent.inbound import keys
from agent.inbound.reading import read_message
from agent.inbound.threading import Directory, KnownMail, KnownMessage, tie
from agent.inbound.values import Border
from tests.agent.inbound.conftest import NOW
from tests.builders import mail
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

TOKEN = keys.tag_of(b"secret", "reminder 1")
OURS = KnownMessage(1, f"<r.{TOKEN}@example.test>", True, "C1", 10, (1, 2))
KNOWN = KnownMail({}, {TOKEN: OURS})
NOBODY = Directory({}, {}, ())


def test_where_the_border_knows_tags_an_answer_to_the_tag_proves_its_thread(dovecot: Dovecot, postfix: Postfix) -> None:
    account = dovecot.account()
    tagged = keys.tagged_address(account.address, TOKEN)
    with postfix.knowing_only(account.address, "+"):
        postfix.deliver("anna@good.test", tagged, mail.letter("Paid.\n", sender="anna@good.test", to=(tagged,)))
        (raw,) = account.wait_for_mails(1)
    reading = read_message(raw, Border("own", postfix.authserv_id), NOW)
    found = tie(reading, KNOWN, NOBODY)
    assert (found.customer_id, found.invoice_ids, found.evidence, found.proof) == ("C1", (1, 2), "tag", True)
    assert reading.authentication.verdict == "pass"


def test_where_it_does_not_the_tag_is_refused_and_the_plain_address_still_arrives(
    dovecot: Dovecot, postfix: Postfix
) -> None:
    account = dovecot.account()
    tagged = keys.tagged_address(account.address, TOKEN)
    with postfix.knowing_only(account.address, ""):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            postfix.deliver("anna@good.test", tagged, mail.letter("Paid.\n", to=(tagged,)))
        assert refused.value.recipients[tagged][0] == 550
        postfix.deliver("anna@good.test", account.address, mail.letter("Paid.\n", to=(account.address,)))
        (raw,) = account.wait_for_mails(1)
    found = tie(read_message(raw, None, NOW), KNOWN, NOBODY)
    assert (found.evidence, found.proof) == ("none", False)
