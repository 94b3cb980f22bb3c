"""Provable afterwards: the log of every change, checked, shown, and anchored outside of the database."""
