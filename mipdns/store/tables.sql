-- Schema 1. Addresses are 16-byte big-endian BLOBs, IPv4 in its IPv4-mapped IPv6 form (::ffff:a.b.c.d), so that one
-- order holds both families; ranges are inclusive. Dates are ISO text in UTC. The views show addresses as text.

CREATE TABLE class (
    bit INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    meaning TEXT NOT NULL
) STRICT;

CREATE TABLE signal (
    bit INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    meaning TEXT NOT NULL
) STRICT;

CREATE TABLE build (
    id INTEGER PRIMARY KEY,
    serial INTEGER NOT NULL CHECK (serial BETWEEN 1 AND 4294967295),
    started TEXT NOT NULL,
    finished TEXT NOT NULL,
    as_of TEXT NOT NULL,
    window_days INTEGER NOT NULL CHECK (window_days >= 1),
    model TEXT NOT NULL,
    prior REAL NOT NULL,
    verdicts INTEGER NOT NULL,
    listed_v4 INTEGER NOT NULL,
    listed_v6 INTEGER NOT NULL,
    counts TEXT NOT NULL CHECK (json_valid(counts)),
    scores TEXT CHECK (scores IS NULL OR json_valid(scores)),
    stages TEXT NOT NULL CHECK (json_valid(stages))
) STRICT;

CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    build INTEGER NOT NULL REFERENCES build (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    format TEXT NOT NULL,
    file TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    examples TEXT NOT NULL CHECK (json_valid(examples)),
    dated TEXT NOT NULL,
    licence TEXT NOT NULL
) STRICT;

CREATE TABLE network (
    asn INTEGER PRIMARY KEY CHECK (asn BETWEEN 1 AND 4294967295),
    name TEXT NOT NULL,
    declared TEXT,
    inferred TEXT,
    requests REAL NOT NULL,
    units INTEGER NOT NULL,
    info_type TEXT NOT NULL,
    scope TEXT NOT NULL,
    traffic TEXT NOT NULL,
    updated TEXT NOT NULL,
    source TEXT NOT NULL
) STRICT;

CREATE TABLE verdict (
    first BLOB PRIMARY KEY CHECK (length(first) = 16),
    last BLOB NOT NULL CHECK (length(last) = 16 AND last >= first),
    confidence INTEGER NOT NULL CHECK (confidence BETWEEN 1 AND 100),
    class INTEGER NOT NULL CHECK (class BETWEEN 1 AND 255),
    users_low INTEGER CHECK (users_low >= 0),
    users_high INTEGER CHECK (users_high >= users_low),
    sources INTEGER NOT NULL CHECK (sources >= 0),
    asn INTEGER REFERENCES network (asn),
    observed TEXT NOT NULL CHECK (length(observed) = 10)
) STRICT, WITHOUT ROWID;

CREATE TABLE observation (
    first BLOB PRIMARY KEY CHECK (length(first) = 16),
    last BLOB NOT NULL CHECK (length(last) = 16 AND last >= first),
    build INTEGER NOT NULL REFERENCES build (id),
    asn INTEGER REFERENCES network (asn),
    traffic TEXT,
    last_day TEXT NOT NULL CHECK (length(last_day) = 10),
    days REAL,
    requests_day_max REAL,
    requests_hour_max REAL,
    ports_hour_max REAL,
    ports_hour_median REAL,
    blocks_hour_max REAL,
    agents_hour_max REAL,
    agents_day_max REAL,
    agents_day_median REAL,
    families_day_max REAL,
    agent_top_share REAL,
    tls_day_max REAL,
    forwarded_day_max REAL,
    forwarded_share REAL,
    addresses_day_max REAL,
    crawler_share REAL,
    mobile_share REAL,
    bot_score_median REAL,
    hours_day_max REAL,
    night_share REAL,
    neighbours_seen REAL,
    neighbours_crowded REAL
) STRICT, WITHOUT ROWID;

CREATE TABLE assertion (
    id INTEGER PRIMARY KEY,
    first BLOB NOT NULL CHECK (length(first) = 16),
    last BLOB NOT NULL CHECK (length(last) = 16 AND last >= first),
    origin TEXT NOT NULL,
    signal INTEGER NOT NULL REFERENCES signal (bit),
    stance TEXT NOT NULL CHECK (stance IN ('shared', 'single', 'hosting')),
    class INTEGER NOT NULL CHECK (class BETWEEN 0 AND 255),
    observed TEXT NOT NULL CHECK (length(observed) = 10),
    expires TEXT NOT NULL CHECK (length(expires) = 10),
    exact INTEGER NOT NULL CHECK (exact IN (0, 1)),
    source TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX assertion_first_last ON assertion (first, last);

CREATE TABLE label (
    id INTEGER PRIMARY KEY,
    first BLOB NOT NULL CHECK (length(first) = 16),
    last BLOB NOT NULL CHECK (length(last) = 16 AND last >= first),
    confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    class INTEGER NOT NULL CHECK (class BETWEEN 0 AND 255),
    observed TEXT NOT NULL CHECK (length(observed) = 10),
    who TEXT NOT NULL,
    source TEXT NOT NULL,
    added TEXT NOT NULL,
    UNIQUE (first, last, confirmed, class, observed, who, source)
) STRICT;
