"""What relance does, measured: run by hand, never asserted in tests."""
