"""A made world with known truth, written as the files that real sources would be.

`plan`, `kinds` and `habits` hold the numbers, `parameters` reads and draws them, `population` and `traffic` draw people
and what they do, `writers` puts it into each source's format, `world` makes the folder. Nothing here imports the
loader, and the loader imports nothing here.
"""

from mipdns.simulate.parameters import draw_plan, plan_for, read_plan
from mipdns.simulate.plan import WorldPlan, changed
from mipdns.simulate.world import Summary, simulate

__all__ = ["Summary", "WorldPlan", "changed", "draw_plan", "plan_for", "read_plan", "simulate"]
