-- What proves that rows are as they were written, one row a seal. docs/evidence.md has the format, package internal/seal writes it.
CREATE TABLE session_seals (
    log      TEXT    NOT NULL, -- origin of an append-only log; each writer has one
    first    INTEGER NOT NULL, -- pages of the log before this seal
    pages    INTEGER NOT NULL,
    entries  INTEGER NOT NULL, -- records
    head     TEXT    NOT NULL, -- signed checkpoint of the log with these pages
    edge     BLOB    NOT NULL, -- roots of its perfect subtrees
    PRIMARY KEY (log, first)
);
-- The pages of a seal, which go once all of their records have expired.
CREATE TABLE session_seal_pages (
    log      TEXT    NOT NULL,
    first    INTEGER NOT NULL,
    min_id   BLOB    NOT NULL, -- the least and the greatest record_id
    max_id   BLOB    NOT NULL,
    seed     BLOB    NOT NULL, -- of the entries' nonces
    manifest BLOB    NOT NULL, -- the entries
    texts    TEXT    NOT NULL, -- of statements, one a line
    PRIMARY KEY (log, first)
);

INSERT INTO sessionlog_migrations VALUES (3, 'seals', strftime('%Y-%m-%d %H:%M:%S', 'now'));
