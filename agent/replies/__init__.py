"""Judgement: reading + prediction → decision → applied.

Three stages, each of which leaves a row before the next one starts:

    predict   a human answer in `read` gets its prediction
    decide    a pure function says what to do with it, by an ordered table of rules, each with its reason
    apply     decision, states, promises, disputes, queue item and events in one transaction; `applied` or `queued`

Here live the rules that a claim is no fact, that no stranger moves a state, and that nothing rests on a guess. People's
own decisions (`resolve`) go through the same actions, under their name, and are taken back in whole (`undoing`).
"""
