"""What the operator does first and when in doubt: `init` writes a configuration, `doctor` finds out what is wrong.

    init     folder → relance.toml, database, signing key
    doctor   gather facts → judge them (pure, `judge_…`) → a list of `Check`, each with its mend
    --probe  one mail to the mailbox's own address, looked for until it is there

What it does not do: repair. Doctor reads; only the probe sends, and nothing is deleted, moved or marked as seen.
"""
