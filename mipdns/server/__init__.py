"""How bytes move: UDP and TCP, reload, signals. What is said is decided in `mipdns.answer`."""
