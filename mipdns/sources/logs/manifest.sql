-- What a work folder holds. Numbers of files and segments are never used twice.

-- A log file that was read. reading: its source's configuration and the version that read it; how: the same without
-- the source's name and sensor. digest, bytes: as stored. content, content_bytes: unpacked. newest: a day. examples:
-- JSON. segment: where its hits are, NULL where none are kept; kept_from: the first day they are kept of.
-- accepted: a load took it in, so its hits stay while they are in the window, even when the file is gone.
CREATE TABLE file (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, reading TEXT NOT NULL, how TEXT NOT NULL,
    sensor INTEGER NOT NULL, path TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL,
    content TEXT NOT NULL, content_bytes INTEGER NOT NULL,
    rows INTEGER NOT NULL, dropped INTEGER NOT NULL, rejected INTEGER NOT NULL, newest INTEGER,
    examples TEXT NOT NULL, dated TEXT NOT NULL,
    segment INTEGER, kept_from INTEGER NOT NULL DEFAULT 0, accepted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (reading, content)
) STRICT;

-- Lines of a file by hour since 1970, counting or not; hits of a file by day.
CREATE TABLE file_hour (
    file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE, hour INTEGER NOT NULL, lines INTEGER NOT NULL,
    PRIMARY KEY (file, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE file_day (
    file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE, day INTEGER NOT NULL, hits INTEGER NOT NULL,
    PRIMARY KEY (file, day)
) STRICT, WITHOUT ROWID;

-- The newer file begins with all that the older one held: it is the same log, grown.
CREATE TABLE grown (
    newer INTEGER NOT NULL REFERENCES file ON DELETE CASCADE, older INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
    PRIMARY KEY (newer, older)
) STRICT, WITHOUT ROWID;

-- Files of hits, and whose hits they hold. A file that is in a segment and no more in `file` must go from it.
CREATE TABLE segment (id INTEGER PRIMARY KEY AUTOINCREMENT, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE segment_file (
    segment INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE, file INTEGER NOT NULL,
    PRIMARY KEY (segment, file)
) STRICT, WITHOUT ROWID;

-- What was inside a file when it was last looked into, by what the file system says of it.
CREATE TABLE sighting (
    device INTEGER NOT NULL, inode INTEGER NOT NULL, bytes INTEGER NOT NULL, changed_ns INTEGER NOT NULL,
    digest TEXT NOT NULL, content TEXT NOT NULL, content_bytes INTEGER NOT NULL,
    PRIMARY KEY (device, inode)
) STRICT, WITHOUT ROWID;

-- Numbers that stand for sources and sensors in hits.
CREATE TABLE origin (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE) STRICT;

-- Days that are counted, or being counted, from what `key` is a digest of; the shares each is cut into.
-- hour_rows, agents_capped: NULL until the share is counted.
CREATE TABLE day (day INTEGER PRIMARY KEY, key TEXT NOT NULL) STRICT;
CREATE TABLE share (
    day INTEGER NOT NULL REFERENCES day ON DELETE CASCADE, number INTEGER NOT NULL, first TEXT NOT NULL,
    last TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER, hour_rows INTEGER, agents_capped INTEGER,
    PRIMARY KEY (day, number)
) STRICT, WITHOUT ROWID;
