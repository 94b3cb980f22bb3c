"""What strangers wrote, on the desk's pages by HTTP."""

import pytest

from agent.review.web.guards import MAIL_POLICY
from tests.builders import mail
from tests.builders.desk import Office, one_item


@pytest.fixture
def desk(small_desk: Office) -> Office:
    return small_desk


def test_a_mail_is_shown_harmless_in_a_frame_that_may_do_nothing(desk: Office) -> None:
    raw = mail.with_parts(
        "Bonjour <script>alert(1)</script>", html='<p onclick="x()">Bonjour</p><script>alert(1)</script><img src="https://evil.example/p.gif">',
        Subject="<script>alert(2)</script>", From='"<img src=x onerror=alert(3)>" <a@customer.test>',
        attachments=[("../../../<b>avis.html", "text/html", b"<script>alert(4)</script>")],
    )  # fmt: skip
    item = one_item(desk, raw=raw)
    browser = desk.at_work()
    page = browser.get(f"/work/item/{item}").text
    assert not [hostile for hostile in ("<script>alert", "<img src=x", "<b>avis") if hostile in page]
    shown = browser.get("/mail/1/html")
    assert shown.headers["content-security-policy"] == MAIL_POLICY
    assert "<p>Bonjour</p>" in shown.text
    assert not [hostile for hostile in ("script", "evil.example") if hostile in shown.text]
    file = browser.get("/mail/1/attachment/0")
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment;")
    assert "/" not in file.headers["content-disposition"].replace("utf-8''", "").replace("UTF-8''", "")
    assert file.content == b"<script>alert(4)</script>"
