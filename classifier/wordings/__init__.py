"""The words that the classifier knows, as data: dates, cues, rules, facts and the shape of a mail, by language."""
