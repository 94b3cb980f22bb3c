"""Every operation of the API, in the order of the document: the one table that routes and OpenAPI are made of."""

from typing import Any

from agent.reports.tables import REPORTS
from agent.review.api import ledger, values, work
from agent.review.api.frame import Operation
from agent.review.rights import Right

_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 256}
_ITEM = {"number": _NUMBER}
_ANY = {"kind": {"type": "string", "enum": ["item", "task", "approval"]}, "number": _NUMBER}
_REPORT = {"name": {"type": "string", "enum": list(REPORTS)}}

READ, LOG, WORK, APPROVE = Right.READ, Right.LOG, Right.WORK, Right.APPROVE


def _get(name: str, path: str, summary: str, **more: Any) -> Operation:
    return Operation(name=name, method="GET", path=path, summary=summary, right=READ, **more)


def _post(name: str, path: str, summary: str, right: Right = WORK, **more: Any) -> Operation:
    more.setdefault("writes", True)
    return Operation(name=name, method="POST", path=path, summary=summary, right=right, **more)


OPERATIONS: tuple[Operation, ...] = (
    _get("work", "/work", "What waits for a person, the most urgent first, a part at a time.",
         do=work.work, answer=values.WorkPage, query=values.WorkQuery),
    _get("counts", "/work/counts", "How many wait, by reason.",
         do=work.counts, answer=values.Counts, query=values.WorkQuery),
    _get("item", "/work/item/{number}", "An item of the queue with its mails, its invoices and what is proposed.",
         do=work.one_item, answer=values.Item, places=_ITEM),
    _get("task", "/work/task/{number}", "A task.", do=work.one_task, answer=values.Task, places=_ITEM),
    _get("approval", "/work/approval/{number}", "A reminder that waits for a yes, with its mail.",
         do=work.one_approval, answer=values.Approval, places=_ITEM),
    _get("drafts", "/work/item/{number}/drafts", "Texts to answer with, in the customer's language.",
         do=work.drafts, answer=values.Drafts, places=_ITEM),
    _post("take", "/work/{kind}/{number}/take", "Say that this token works on it.",
          do=work.take, answer=values.Entry, places=_ANY),
    _post("give_back", "/work/{kind}/{number}/give-back", "Nobody works on it any more.",
          do=work.give_back, answer=values.Entry, places=_ANY),
    _post("assign", "/work/{kind}/{number}/assign", "Give it to a colleague.",
          do=work.assign, answer=values.Entry, body=values.Assignment, places=_ANY),
    _post("snooze", "/work/{kind}/{number}/snooze", "Put it away until a day.",
          do=work.snooze, answer=values.Entry, body=values.Nap, places=_ANY),
    _post("preview", "/work/item/{number}/preview", "What would follow from a decision; nothing is changed.",
          do=work.preview, answer=values.Done, body=values.Decision, places=_ITEM, writes=False, keeps_session=False),
    _post("decide", "/work/item/{number}/decide",
          "Settle an item: what its mail means, or what became of a delivery. Another intent than the suggested one is "
          "kept as a correction.",
          do=work.decide, answer=values.Done, body=values.Decision, places=_ITEM),
    _post("end_disputes", "/work/item/{number}/verdict", "Say how the disputes that an item asks about end.",
          do=work.end_disputes, answer=values.Done, body=values.Ending, places=_ITEM),
    _post("dismiss", "/work/item/{number}/dismiss", "Nothing has to follow from it; reminders go on.",
          do=work.dismiss, answer=values.Done, body=values.Reason, places=_ITEM),
    _post("answer", "/work/item/{number}/answer", "Send an answer in the item's conversation.",
          do=work.answer, answer=values.Sent, body=values.AnswerText, places=_ITEM, needs_key=True),
    _post("finish_task", "/work/task/{number}/done", "A task is done, and what came of it.",
          do=work.finish_task, answer=values.Done, body=values.TaskOutcome, places=_ITEM),
    _post("approve", "/work/approval/{number}/approve", "Let a reminder go out.", APPROVE,
          do=work.approve_one, answer=values.Done, places=_ITEM),
    _post("skip", "/work/approval/{number}/skip", "Leave a reminder out; its step counts as carried out.", APPROVE,
          do=work.skip_one, answer=values.Done, body=values.Reason, places=_ITEM),
    _post("undo", "/undo", "Take back what this token did last, within a day.",
          do=work.undo, answer=values.Undone),
    _get("customers", "/customers", "Customers by name, a part at a time.",
         do=ledger.customers, answer=values.CustomersPage, query=values.CustomersQuery),
    _get("customer", "/customers/{id}", "A customer with its contacts, invoices and story.",
         do=ledger.customer, answer=values.CustomerStory, places={"id": _TEXT}),
    _get("invoices", "/invoices", "Invoices, a part at a time.",
         do=ledger.invoices, answer=values.InvoicesPage, query=values.InvoicesQuery),
    _get("invoice", "/invoices/{number}", "An invoice with its promises, disputes and story.",
         do=ledger.invoice, answer=values.InvoiceStory, places={"number": _TEXT}),
    _get("why", "/mails/{number}/why", "Why a mail was taken as it was.",
         do=ledger.why, answer=values.Why, places=_ITEM),
    _post("log", "/log", "Write down a call, a note, a promise, a dispute or its end; hold, or release.", LOG,
          do=ledger.write_down, answer=values.Done, body=values.Line),
    _get("outgoing", "/outgoing", "What goes out today, what is left out and why, and what stops all sending.",
         do=ledger.going_out, answer=values.Outgoing, keeps_session=False),
    _get("calendar", "/outgoing/calendar", "Each customer's next step in the days to come, if nothing happens before.",
         do=ledger.calendar, answer=values.Calendar, query=values.CalendarQuery),
    _post("stop_sending", "/outgoing/stop", "The kill switch: nothing leaves any more.",
          do=ledger.stop_all, answer=values.Stops, body=values.Reason),
    _post("resume_sending", "/outgoing/resume", "Let sending go on: every stop is lifted.", APPROVE,
          do=ledger.resume_all, answer=values.Stops),
    _get("figures", "/figures/{name}", "One table of key figures; docs/figures.md has the formulas.",
         do=ledger.figures, answer=values.Figures, query=values.FiguresQuery, places=_REPORT),
)  # fmt: skip
