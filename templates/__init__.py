"""The texts that relance writes: mails, letters and pages. No code lives here.

Letters on paper: `letters/<language>/<template>.j2`, with the phrases of that language's mails.

Mails: `mail/<language>/<template>.j2` holds the words of one template, as plain text in blocks;
`mail/<language>.toml` the short phrases of that language; `mail/layout.html.j2` and `mail/layout.txt.j2` put the same
blocks into the two parts of a mail. There is a language where there is a catalogue: French, English, German, Spanish,
Italian and Dutch as shipped; customers of other languages are written to in English. `agent.reminders.templates` finds
all of it, and what a company puts in its place.
"""
