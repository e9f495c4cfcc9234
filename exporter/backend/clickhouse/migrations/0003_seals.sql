-- What proves that rows are as they were written, one row a seal. docs/evidence.md has the format, package internal/seal writes it.
CREATE TABLE IF NOT EXISTS session_seals
(
    log     String, -- origin of an append-only log; each writer has one
    first   UInt64, -- pages of the log before this seal
    pages   UInt64,
    entries UInt64, -- records
    head    String, -- signed checkpoint of the log with these pages
    edge    String  -- roots of its perfect subtrees
)
ENGINE = MergeTree
ORDER BY (log, first)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The pages of a seal, which go once all of their records have expired.
CREATE TABLE IF NOT EXISTS session_seal_pages
(
    log      String,
    first    UInt64,
    min_id   String, -- the least and the greatest record_id
    max_id   String,
    seed     String, -- of the entries' nonces
    manifest String CODEC(NONE), -- the entries: hashes, of which compressing takes more of the processor than all else about a seal
    texts    String  -- of statements, one a line
)
ENGINE = MergeTree
ORDER BY (log, first)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO sessionlog_migrations VALUES (3, 'seals', now());
