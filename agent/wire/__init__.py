"""Connections to mail servers: IMAP, SMTP and the tokens that some demand. No judgement, no tables, no retry."""
