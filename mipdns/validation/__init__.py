"""How right we are: what was concluded against what is true, in numbers, intervals and one page to look at.

    truth, or labels that sources make → judged (confidences, without what made the labels) → metrics, bootstrap
                                       → report (one document) → page (the same for people)

The one rule: a signal that made a label is never a feature of what the label scores: not of that address, nor of its
/24 or AS. docs/validation.md tells how that is kept.
"""
