"""Mail out: plan → compose → approve → deliver → reconcile.

Each stage writes a row before the next one starts, so that a crash anywhere resumes there:

    plan + compose   a reminder with its lines, and a delivery in `reserved` with frozen bytes (or a task)
    approve          in the mode `suggest` a person's name and time on the reminder
    deliver          `sending` after the last look at 354, then `sent`, `failed`, `rejected` or `unknown`
    reconcile        `unknown` settled from the Sent folder, a bounce, an answer, or by a person

Here live the rules that nothing is sent twice, that no payer is chased, and that nothing comes in bursts: `decide`
holds the judgement (pure), `deliver` its place in the transaction. ``wire`` alone speaks SMTP, ``sentbox`` IMAP,
``store`` alone knows the tables.
"""
