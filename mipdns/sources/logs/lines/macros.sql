-- Text to numbers, as DuckDB macros. This dialect never leaves DuckDB.
-- An argument that a macro uses more than once must be a column, not an expression: macros are pasted, not called.

-- Seconds since 1970 of RFC 3339 text, or of unix time in s, ms, µs or ns (told apart by size); NULL where neither.
CREATE OR REPLACE TEMP MACRO seconds_of_number(n) AS
    TRY_CAST(FLOOR(CASE WHEN n < 1e11 THEN n WHEN n < 1e14 THEN n / 1e3 WHEN n < 1e17 THEN n / 1e6 ELSE n / 1e9 END) AS BIGINT);
CREATE OR REPLACE TEMP MACRO seconds_of(t) AS
    COALESCE(
        seconds_of_number(TRY_CAST(t AS DOUBLE)),
        TRY_CAST(FLOOR(EPOCH(COALESCE(TRY_CAST(t AS TIMESTAMPTZ), TRY_CAST(UPPER(t) AS TIMESTAMPTZ)))) AS BIGINT)
    );

-- IPv4. dotted: the parts of a dotted quad that stands alone or ends an IPv6 text (RFC 4291 §2.2).
CREATE OR REPLACE TEMP MACRO dotted(t) AS
    CASE WHEN CONTAINS(t, '.')
    THEN STRING_SPLIT(CASE WHEN CONTAINS(t, ':') THEN STRING_SPLIT(t, ':')[-1] ELSE t END, '.') END;
-- octet: decimal 0 to 255 without sign, blank or leading zero (RFC 6943 §3.1.1): what reads back as it was written.
CREATE OR REPLACE TEMP MACRO octet(p) AS TRY_CAST(p AS UTINYINT)::VARCHAR = p;
CREATE OR REPLACE TEMP MACRO quad(parts) AS
    CASE WHEN LEN(parts) = 4 AND octet(parts[1]) AND octet(parts[2]) AND octet(parts[3]) AND octet(parts[4])
    THEN parts[1]::UBIGINT * 16777216 + parts[2]::UBIGINT * 65536 + parts[3]::UBIGINT * 256 + parts[4]::UBIGINT END;

-- IPv6. hexed: lower case, a dotted tail as two groups. unfolded: `::` as the zero groups it stands for, at least one.
CREATE OR REPLACE TEMP MACRO hexed(t, q) AS
    CASE WHEN CONTAINS(t, '.')
    THEN LOWER(LEFT(t, LENGTH(t) - STRPOS(REVERSE(t), ':') + 1)) || FORMAT('{:x}:{:x}', q // 65536, q % 65536)
    ELSE LOWER(t) END;
CREATE OR REPLACE TEMP MACRO zero_groups(t) AS
    8 - LENGTH(t) + LENGTH(REPLACE(t, ':', '')) + STARTS_WITH(t, '::')::INTEGER + ENDS_WITH(t, '::')::INTEGER;
CREATE OR REPLACE TEMP MACRO unfolded(t) AS
    CASE
        WHEN NOT CONTAINS(t, '::') THEN t
        WHEN LENGTH(t) <= 45 AND zero_groups(t) >= 1 THEN
            CASE WHEN STARTS_WITH(t, '::') THEN '' ELSE LEFT(t, STRPOS(t, '::') - 1) || ':' END
            || RTRIM(REPEAT('0:', zero_groups(t)), ':')
            || CASE WHEN ENDS_WITH(t, '::') THEN '' ELSE ':' || SUBSTR(t, STRPOS(t, '::') + 2) END
    END;
CREATE OR REPLACE TEMP MACRO hex_groups(t) AS
    CASE WHEN REGEXP_FULL_MATCH(t, '(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}') THEN STRING_SPLIT(t, ':') END;
CREATE OR REPLACE TEMP MACRO half(a, b, c, d) AS
    ('0x' || a)::UBIGINT * 281474976710656 + ('0x' || b)::UBIGINT * 4294967296
    + ('0x' || c)::UBIGINT * 65536 + ('0x' || d)::UBIGINT;

-- A piece of somebody else's text, for a message.
CREATE OR REPLACE TEMP MACRO clip(t) AS '''' || LEFT(t, 60) || CASE WHEN LENGTH(t) > 60 THEN '…' ELSE '' END || '''';

-- The first address in a forwarding header's value, as text; NULL where it names none.
CREATE OR REPLACE TEMP MACRO first_address(t) AS
    NULLIF(REGEXP_EXTRACT(t, '[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+'), '');
