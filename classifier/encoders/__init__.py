"""Sentence encoders: multilingual networks that know what sentences mean, whatever their language.

`values` has the interface, `tuned` the default one, whose upper layers were tuned to replies and that says by itself
what a reply means, `folder` one of your own, whose vectors the regressions see. The default one's weights come as a
package, and nothing is fetched. It is Python and numpy: no compiled code of the package ever sees a customer's text. A
trained model holds the identity of the encoder that it was trained with, down to the hash of the weights, and loads
with no other.
"""
