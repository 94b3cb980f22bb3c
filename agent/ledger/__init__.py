"""What is owed and what came in: imports, states, promises, disputes.

An import goes one way, each arrow with a type of its own in `values`:

    bytes ─ sheet ─▶ Sheet ─ columns ─▶ rows ─ judge_… ─▶ changes ─ apply ─▶ rows and events, in one transaction

`sheet`, `cells`, `columns`, the `judge_…` modules, `allocate` and `alarms` are pure: no session, file or clock.
`store` loads what a judgement looks at; `apply` and `states` write. `importing` is the stage that puts them in a line;
a dry run is the same line without its last arrow.

Rules of the house that live here: a claim is no fact, so only an import makes an invoice `paid` (`states.set_balance`);
an import whose addresses or items changed too much stops sending (`alarms`); promises and reported payments are judged
only against a ledger that is fresh and late enough (`promises`, `claims`), by drains that are harmless when run twice.

What the room does not do: send, read mail, or decide what a customer meant.
"""
