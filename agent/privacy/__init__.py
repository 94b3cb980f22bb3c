"""Personal data: what a person may ask for, what goes by itself in time, and what must stay although it would.

values, decide    which mails and contacts go, and for what reason the others stay: pure
store             rows to views, and the doing
erase, export     what `relance erase`, `retention` and `export` do
"""
