"""The review pages: requests in, pages out. What they do is done by the plain functions that the command line calls."""
