"""Sentence encoders: frozen multilingual networks that know what sentences mean, whatever their language.

`values` has the interface, `use` the one whose vectors the regressions see, `tuned` another whose upper layers were
tuned to replies and that says by itself what a reply means. Both come as packages, weights included, and nothing is
fetched. They are Python and numpy: no compiled code of theirs ever sees a customer's text. A trained model holds the
identity of the encoder that it was trained with, down to the hash of the weights, and loads with no other.
"""
