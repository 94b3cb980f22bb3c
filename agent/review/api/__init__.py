"""The desk for programs: the same work list, deeds, stories and figures as JSON, under tokens."""
