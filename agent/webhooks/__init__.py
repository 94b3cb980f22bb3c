"""Tells other systems of changes of state: signed messages, at least once, from the log of events."""
