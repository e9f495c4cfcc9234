-- What proves that rows are as they were written, one row a seal. docs/evidence.md has the format, package internal/seal writes it.
CREATE TABLE session_seals (
    log      text   NOT NULL, -- origin of an append-only log; each writer has one
    first    bigint NOT NULL, -- pages of the log before this seal
    pages    bigint NOT NULL,
    entries  bigint NOT NULL, -- records
    head     text   NOT NULL, -- signed checkpoint of the log with these pages
    edge     bytea  NOT NULL, -- roots of its perfect subtrees
    PRIMARY KEY (log, first)
);
-- The pages of a seal, which go once all of their records have expired.
CREATE TABLE session_seal_pages (
    log      text   NOT NULL,
    first    bigint NOT NULL,
    min_id   bytea  NOT NULL, -- the least and the greatest record_id
    max_id   bytea  NOT NULL,
    seed     bytea  NOT NULL, -- of the entries' nonces
    manifest bytea  NOT NULL, -- the entries
    texts    text   NOT NULL, -- of statements, one a line
    PRIMARY KEY (log, first)
);
-- Hashes do not become smaller.
ALTER TABLE session_seal_pages ALTER COLUMN manifest SET STORAGE EXTERNAL;
