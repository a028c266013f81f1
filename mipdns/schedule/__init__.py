"""When loads run, and what became of them.

attempt     one load at a time: a lock, and the record of the last attempt beside the database
timetable   arithmetic: when the next load is due
child       a load in a process of its own, at low priority, its words in our log
run         the loader and the server kept going together, from one configuration

`load` takes the lock of `attempt` and `status` reads its record, so nothing may be imported here for all.
"""
