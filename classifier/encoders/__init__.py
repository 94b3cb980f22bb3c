"""Sentence encoders: frozen multilingual networks that turn sentences into vectors, whatever their language.

`values` has the interface, `e5` and `use` the two that come as packages (weights included, nothing is fetched). Both
are Python and numpy: no compiled code of theirs ever sees a customer's text. A trained model holds the identity of the
encoder that it was trained with, down to the hash of the weights, and loads with no other.
"""
