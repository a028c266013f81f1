-- What a load learnt of its sources; written anew by each.

CREATE TABLE belief (
    source TEXT NOT NULL,
    asn INTEGER NOT NULL CHECK (asn BETWEEN 0 AND 4294967295),
    origin TEXT NOT NULL,
    "right" INTEGER NOT NULL CHECK ("right" >= 0),
    wrong INTEGER NOT NULL CHECK (wrong >= 0),
    plausible REAL NOT NULL CHECK (plausible BETWEEN 0 AND 1),
    PRIMARY KEY (source, asn, origin)
) STRICT, WITHOUT ROWID;
