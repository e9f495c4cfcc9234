-- 0003_seals.sql as it is on a cluster. The nodes need the macros {cluster}, {shard} and {replica}.
CREATE TABLE IF NOT EXISTS session_seals_local ON CLUSTER '{cluster}'
(
    log     String, -- origin of an append-only log; each writer has one
    first   UInt64, -- pages of the log before this seal
    pages   UInt64,
    entries UInt64, -- records
    head    String, -- signed checkpoint of the log with these pages
    edge    String  -- roots of its perfect subtrees
)
ENGINE = ReplicatedMergeTree
ORDER BY (log, first)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS session_seals ON CLUSTER '{cluster}' AS session_seals_local ENGINE = Distributed('{cluster}', currentDatabase(), session_seals_local, sipHash64(log));

CREATE TABLE IF NOT EXISTS session_seal_pages_local ON CLUSTER '{cluster}'
(
    log      String,
    first    UInt64,
    min_id   String, -- the least and the greatest record_id
    max_id   String,
    seed     String, -- of the entries' nonces
    manifest String CODEC(NONE), -- the entries: hashes, of which compressing takes more of the processor than all else about a seal
    texts    String  -- of statements, one a line
)
ENGINE = ReplicatedMergeTree
ORDER BY (log, first)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS session_seal_pages ON CLUSTER '{cluster}' AS session_seal_pages_local ENGINE = Distributed('{cluster}', currentDatabase(), session_seal_pages_local, sipHash64(log));

INSERT INTO sessionlog_migrations VALUES (3, 'seals', now());
