"""Mail in: collect → process (read, thread) → and on to the replies room, which judges.

Each stage writes a row before the next one starts, so that a crash anywhere resumes there:

    collect    raw bytes, message in `stored`, its location and the folder's cursor, in one transaction
    process    an attempt counted, then in one transaction the reading, the thread, the links, and `read`;
               after three attempts `quarantined`, with an exception in front of a person

    stored ──► read ──► (the replies room decides)
       └──────────────► quarantined

Nothing is written to a mailbox: no flag is set, nothing is moved or deleted, and flags are not asked what is new.
`identity`, `folders`, `threading`, `standing` and everything below `reading` are pure; `cursor` and `store` alone know
the tables; `collect` and `idle` alone speak IMAP; bytes of strangers are parsed in `confined` only.
"""
