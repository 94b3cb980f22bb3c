"""Learning: people's corrections become training data, and a trained model is put to work or taken back, by a person.

`decide` is the gate: may a candidate take the place of the trained model in use? `corrections` turns what people said
of mails into labelled rows; `promotion` keeps which trained model is in use, signed with the installation's key, and
writes each change into the log; `sampling` draws the standing audit of automatic actions and watches for drift.

Not here: how a model is trained and measured (`classifier`).
"""
