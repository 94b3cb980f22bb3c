"""The demo: a fictional company, its customers and a mail system in one process, and relance itself at work in between.

    company     customers, invoices and bank statements as CSV files, with a relance.toml, in a folder of one's own
    mailserver  IMAP and SMTP on loopback; border: what the company's mail border writes on a mail, and refuses
    people      what each simulated customer does with a reminder that reaches it, and when
    letters     their answers as real mails, quoted in the style of their mail programs
    world       thirty days: bank statement, morning cycle, answers, afternoon cycle, and what was seen of it
    story       what changed in the database since the last look, for the screen
    verdict     what must have held, worked out from the mails that were really received
    show        the terminal

What relance does is done by its own code: `run_import`, `Drains`, the trained model that is shipped. It gets a
simulated `now` and nothing else from here; nothing tells it what a customer means. What the demo knows besides (who
means what) is used to say at the end how often relance was right, and where it was not.
"""
