"""A made world with known truth, written as the files that real sources would be.

`plan` and `kinds` hold the numbers, `population` and `traffic` draw people and what they do, `writers` puts it into
each source's format, `world` makes the folder. Nothing here imports the loader, and the loader imports nothing here.
"""

from mipdns.simulate.world import Summary, simulate

__all__ = ["Summary", "simulate"]
