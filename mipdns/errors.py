"""Every error that mipdns raises on purpose, in one tree.

Each message names the file, line, key or name at fault and what to do about it; the command line prints it as one line
and exits with 1.

    MipdnsError
    ├── ConfigError                 mipdns.toml cannot be read, or a key is unknown, missing or wrong
    ├── ZoneError                   a zone file likewise; no SOA or NS at the apex
    ├── AddressError                a text is no address, prefix or range (also a ValueError)
    ├── SourceError                 a source cannot be taken in; nothing was written
    │   ├── SourceMissing           no such file, or a glob that matches none
    │   ├── SourceUnreadable        truncated, wrongly compressed, or not of the format the configuration says
    │   ├── EngineError             the engine that counts is not installed, cannot be reached, or failed
    │   ├── TooManyBadLines         more bad lines than the limit; carries the first examples
    │   └── FetchError              a source cannot be fetched, or what came is no good; the last copy stays
    ├── StoreError                  the database cannot be used
    │   ├── StoreMissing            no database there; run `mipdns load`
    │   ├── StoreVersion            made by another version of mipdns
    │   └── StoreBusy               another load holds it
    ├── SnapshotError               the index cannot be used; what was served stays
    │   ├── SnapshotForbidden       this user may not write the index there
    │   └── SnapshotTooDifferent    a build loses or gains too many listings; `load --force` overrides
    ├── ServeError                  the server cannot start: port taken, address not here, no permission
    ├── FeedbackError               a person's word cannot be taken: a day that has not come, nobody who says it
    ├── ExportError                 what is served cannot be written in the form asked for: too large, no such list
    ├── UnknownEvidence             evidence to leave out that nothing goes by, cannot be told apart, or was not kept
    ├── ValidationError             there is nothing that verdicts could be compared with
    └── LookupFailed                a server did not answer, or not with sense
"""

from __future__ import annotations


class MipdnsError(Exception):
    """The root: whatever the command line prints as one line instead of a traceback."""


class ConfigError(MipdnsError):
    """The configuration file is absent, unreadable, or has a wrong key or value."""


class ZoneError(MipdnsError):
    """A zone file is absent, unreadable, or lacks what an authoritative zone must have."""


class AddressError(MipdnsError, ValueError):
    """A text is not an address, prefix or range."""


class SourceError(MipdnsError):
    """A source could not be taken in. Nothing has been written."""


class SourceMissing(SourceError):
    """A source names a file that is not there, or a glob that matches nothing."""


class SourceUnreadable(SourceError):
    """A source's file is truncated, damaged, or of another format than the configuration says."""


class TooManyBadLines(SourceError):
    """A source has more unreadable lines than the limit allows."""


class FetchError(SourceError):
    """An address could not be fetched, or what it gave cannot be used; the last good copy stays.

    passing: another try may help. wait_s: for how long the far end asked not to be asked, where it did.
    """

    def __init__(self, message: str, *, passing: bool = False, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.wait_s = wait_s


class EngineError(SourceError):
    """The engine that is to count logs is not installed, cannot be reached, or failed. Nothing has been written."""


class StoreError(MipdnsError):
    """The database cannot be used as it is."""


class StoreMissing(StoreError):
    """There is no database at that path."""


class StoreVersion(StoreError):
    """The database was made by another version of mipdns."""


class StoreBusy(StoreError):
    """Another load is writing to the database."""


class SnapshotError(MipdnsError):
    """An index is broken, foreign or unreadable; what was served before stays."""


class SnapshotForbidden(SnapshotError):
    """The index may not be written where it should be: no permission, or a file system that is read only."""


class SnapshotTooDifferent(SnapshotError):
    """A build loses or gains more listings than the guard allows."""


class ServeError(MipdnsError):
    """The server cannot start where the configuration says it should listen."""


class FeedbackError(MipdnsError):
    """A person's word on a range cannot be taken as it was given."""


class ExportError(MipdnsError):
    """What is served cannot be written in the form that was asked for."""


class UnknownEvidence(MipdnsError):
    """Evidence is to be left out that nothing in this build goes by, or that was counted together with other."""


class ValidationError(MipdnsError):
    """There is no truth to compare verdicts with, or none that speaks of what was judged."""


class LookupFailed(MipdnsError):
    """A DNS server did not answer a look-up, or answered with an error."""
