"""How a scorecard is learnt from units whose truth is known. In: a `Sample`. Out: a scorecard.

`learning` learns terms, context and calibration, `people` the ranges of users; `ceiling` tells what adding up loses.
Needs scikit-learn (extra `train`); nothing that loads or serves imports this package.
"""
