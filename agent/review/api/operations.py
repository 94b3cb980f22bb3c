"""Every operation of the API, in the order of the document: the one table that routes and OpenAPI are made of."""

from typing import Any

from agent.reports.tables import REPORTS
from agent.review import files
from agent.review.api import downloads, figures, given, ledger, settling, told, told_trained, training, work
from agent.review.api.frame import Operation
from agent.review.rights import Right

_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 256}
_ITEM = {"number": _NUMBER}
_ANY = {"kind": {"type": "string", "enum": ["item", "task", "approval"]}, "number": _NUMBER}
_REPORT = {"name": {"type": "string", "enum": list(REPORTS)}}

_MODEL = {"name": {"type": "string", "minLength": 1, "maxLength": 128}}
_PLACE = {"type": "integer", "minimum": 0, "maximum": 9_999}

READ, LOG, WORK, APPROVE, MANAGE = Right.READ, Right.LOG, Right.WORK, Right.APPROVE, Right.MANAGE


def _get(name: str, path: str, summary: str, **more: Any) -> Operation:
    return Operation(name=name, method="GET", path=path, summary=summary, right=READ, **more)


def _post(name: str, path: str, summary: str, right: Right = WORK, **more: Any) -> Operation:
    more.setdefault("writes", True)
    return Operation(name=name, method="POST", path=path, summary=summary, right=right, **more)


OPERATIONS: tuple[Operation, ...] = (
    _get("work", "/work", "What waits for a person, the most urgent first, a part at a time.",
         do=work.work, answer=told.WorkPage, query=given.WorkQuery),
    _get("counts", "/work/counts", "How many wait, by reason.",
         do=work.counts, answer=told.Counts, query=given.WorkQuery),
    _get("item", "/work/item/{number}", "An item of the queue with its mails, its invoices and what is proposed.",
         do=work.one_item, answer=told.Item, places=_ITEM),
    _get("task", "/work/task/{number}", "A task.", do=work.one_task, answer=told.Task, places=_ITEM),
    _get("approval", "/work/approval/{number}", "A reminder that waits for a yes, with its mail.",
         do=work.one_approval, answer=told.Approval, places=_ITEM),
    _get("drafts", "/work/item/{number}/drafts", "Texts to answer with, in the customer's language.",
         do=settling.drafts, answer=told.Drafts, places=_ITEM),
    _post("take", "/work/{kind}/{number}/take", "Say that this token works on it; `over`: taken over from whom.",
          do=work.take, answer=told.Entry, body=given.Over, places=_ANY),
    _post("give_back", "/work/{kind}/{number}/give-back", "Nobody works on it any more.",
          do=work.give_back, answer=told.Entry, body=given.Over, places=_ANY),
    _post("assign", "/work/{kind}/{number}/assign", "Give it to a colleague.",
          do=work.assign, answer=told.Entry, body=given.Assignment, places=_ANY),
    _post("snooze", "/work/{kind}/{number}/snooze", "Put it away until a day.",
          do=work.snooze, answer=told.Entry, body=given.Nap, places=_ANY),
    _post("preview", "/work/item/{number}/preview", "What would follow from a decision; nothing is changed.",
          do=settling.preview, answer=told.Done, body=given.Decision, places=_ITEM, writes=False, keeps_session=False),
    _post("decide", "/work/item/{number}/decide",
          "Settle an item: what its mail means, or what became of a delivery. Another intent than the suggested one is "
          "kept as a correction.",
          do=settling.decide, answer=told.Done, body=given.Decision, places=_ITEM),
    _post("end_disputes", "/work/item/{number}/verdict", "Say how the disputes that an item asks about end.",
          do=settling.end_disputes, answer=told.Done, body=given.Ending, places=_ITEM),
    _post("dismiss", "/work/item/{number}/dismiss", "Nothing has to follow from it; reminders go on.",
          do=settling.dismiss, answer=told.Done, body=given.Reason, places=_ITEM),
    _post("answer", "/work/item/{number}/answer", "Send an answer in the item's conversation.",
          do=settling.answer, answer=told.Sent, body=given.AnswerText, places=_ITEM, needs_key=True),
    _post("finish_task", "/work/task/{number}/done", "A task is done, and what came of it.",
          do=settling.finish_task, answer=told.Done, body=given.TaskOutcome, places=_ITEM),
    _post("preview_task", "/work/task/{number}/done/preview", "What would follow from what came of a task.",
          do=settling.preview_task, answer=told.Done, body=given.TaskOutcome, places=_ITEM, writes=False,
          keeps_session=False),
    _post("preview_audit", "/work/task/{number}/audit/preview", "What would follow from a word on an audited action.",
          do=settling.preview_audit, answer=told.Done, body=given.Decision, places=_ITEM, writes=False,
          keeps_session=False),
    _post("judge_audit", "/work/task/{number}/audit",
          "Say what the mail of an audited action means: as it was taken counts as right, anything else as wrong, and "
          "sets it right.",
          do=settling.judge_audit, answer=told.Done, body=given.Decision, places=_ITEM),
    _post("letter", "/work/task/{number}/letter", "Compose the letter that a task asks for, and keep it as a document.",
          do=settling.letter, answer=told.Letter, places=_ITEM),
    _get("hand_over", "/work/task/{number}/hand-over", "Everything on the case of a task in one file, for collection.",
         do=downloads.hand_over, answer=files.BYTES, places=_ITEM),
    _get("words", "/work/approval/{number}/words", "Subject and text of a waiting reminder as they may be edited.",
         do=settling.words, answer=told.Words, places=_ITEM, keeps_session=False),
    _post("edit", "/work/approval/{number}/edit", "Put a waiting reminder into other words.", APPROVE,
          do=settling.edit_one, answer=told.Done, body=given.Wording, places=_ITEM),
    _post("approve", "/work/approval/{number}/approve", "Let a reminder go out.", APPROVE,
          do=settling.approve_one, answer=told.Done, body=given.Seen, places=_ITEM),
    _post("skip", "/work/approval/{number}/skip", "Leave a reminder out; its step counts as carried out.", APPROVE,
          do=settling.skip_one, answer=told.Done, body=given.Reason, places=_ITEM),
    _post("bulk", "/work/bulk", "Do one thing with several entries: all that can be, the rest is told with its reason.",
          do=work.several, answer=told.BulkDone, body=given.Bulk, writes=False, keeps_session=False),
    _post("undo", "/undo", "Take back what this token did last, within a day.",
          do=work.undo, answer=told.Undone),
    _get("views", "/views", "This token's saved views of the work list.", do=work.kept_views, answer=told.Views),
    _post("keep_view", "/views", "Save a view; one of that name is changed.", READ,
          do=work.keep_view, answer=told.View, body=given.NewView),
    _post("forget_view", "/views/{number}/forget", "Forget a saved view.", READ,
          do=work.forget_view, answer=told.Views, places=_ITEM),
    _get("customers", "/customers", "Customers by name, a part at a time.",
         do=ledger.customers, answer=told.CustomersPage, query=given.CustomersQuery),
    _get("customer", "/customers/{id}", "A customer with its contacts, invoices and story.",
         do=ledger.customer, answer=told.CustomerStory, places={"id": _TEXT}),
    _get("invoices", "/invoices", "Invoices, a part at a time.",
         do=ledger.invoices, answer=told.InvoicesPage, query=given.InvoicesQuery),
    _get("dossier", "/invoices/{number}/dossier", "Everything on an invoice in one file.",
         do=downloads.dossier, answer=files.BYTES, places={"number": _TEXT}),
    _get("document", "/invoices/{number}/documents/{document}", "A file that is kept with an invoice, as its PDF.",
         do=downloads.document, answer=files.BYTES, places={"number": _TEXT, "document": _NUMBER}),
    _get("invoice", "/invoices/{number}", "An invoice with its promises, disputes and story.",
         do=ledger.invoice, answer=told.InvoiceStory, places={"number": _TEXT}),
    _get("why", "/mails/{number}/why", "Why a mail was taken as it was.",
         do=ledger.why, answer=told.Why, places=_ITEM),
    _get("source", "/mails/{number}/source", "The raw bytes of a mail.",
         do=downloads.source, answer=files.BYTES, places=_ITEM),
    _get("attachment", "/mails/{number}/attachments/{place}", "An attachment of a mail, counted from 0.",
         do=downloads.attachment, answer=files.BYTES, places={"number": _NUMBER, "place": _PLACE}),
    _post("log", "/log",
          "Write down a call, a note, a promise, a payment plan, a dispute or its end, an insolvency or its end; hold "
          "or release; stop a customer's mails, or let them go on.", LOG,
          do=ledger.write_down, answer=told.Done, body=given.Line),
    _get("outgoing", "/outgoing", "What goes out today, what is left out and why, and what stops all sending.",
         do=ledger.going_out, answer=told.Outgoing, keeps_session=False),
    _get("calendar", "/outgoing/calendar", "What the plan would do in the days to come, if nobody answers or pays.",
         do=ledger.calendar, answer=told.Calendar, query=given.CalendarQuery, keeps_session=False),
    _post("stop_sending", "/outgoing/stop", "The kill switch: nothing leaves any more.",
          do=ledger.stop_all, answer=told.Stops, body=given.Reason),
    _post("resume_sending", "/outgoing/resume", "Let sending go on: every stop is lifted.", APPROVE,
          do=ledger.resume_all, answer=told.Stops),
    _get("workbook", "/figures.xlsx", "All tables of key figures as a workbook.",
         do=figures.as_workbook, answer=files.XLSX, query=given.FiguresQuery),
    _get("figures_csv", "/figures/{name}.csv", "One table of key figures as CSV.",
         do=figures.as_csv, answer=files.CSV, query=given.FiguresQuery, places=_REPORT),
    _get("figures", "/figures/{name}", "One table of key figures; docs/figures.md has the formulas.",
         do=figures.figures, answer=told.Figures, query=given.FiguresQuery, places=_REPORT),
    _get("models", "/models", "The trained models with their figures, and the training that is under way.",
         do=training.models, answer=told_trained.Models, keeps_session=False),
    _post("train", "/models/train", "Train in the background, from the shipped replies and corrections.", MANAGE,
          do=training.train, answer=told_trained.Run, writes=False, keeps_session=False),
    _post("rollback", "/models/rollback", "Go back to the trained model that was in use before.", MANAGE,
          do=training.roll_back, answer=told_trained.InUse, body=given.GoingBack, writes=False, keeps_session=False),
    _post("compare", "/models/{name}/compare", "Compare a trained model with the one in use.", MANAGE,
          do=training.compare, answer=told_trained.Run, places=_MODEL, writes=False, keeps_session=False),
    _post("promote", "/models/{name}/promote", "Put a trained model to work, as its comparison allows.", MANAGE,
          do=training.promote, answer=told_trained.InUse, body=given.Promotion, places=_MODEL, writes=False,
          keeps_session=False),
)  # fmt: skip
