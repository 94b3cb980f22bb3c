"""What is told of it all: the evidence of one invoice, and key figures."""
