-- Lets a collector read this server's log files over SQL, and no other file. Run it as a superuser in the database that the
-- collector connects to; running it again does no harm:
--
--     psql -X -v ON_ERROR_STOP=1 -d postgres -f install.sql
--     psql -X -d postgres -c 'GRANT sessionlog_logs TO audit'
--
-- The collector's account needs nothing else. A grant on pg_read_binary_file instead would let it read every file of the
-- server, the hashes of all passwords among them.
--
-- To take it back:
--
--     DROP SCHEMA sessionlog CASCADE; DROP ROLE sessionlog_logs;
--     DROP OWNED BY sessionlog_log_owner; DROP ROLE sessionlog_log_owner;

BEGIN;

-- Whoever is a member of sessionlog_logs may read the log. sessionlog_log_owner has the rights that the functions work with:
-- nobody logs in as it and nobody is a member, and it is far from a superuser.
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sessionlog_logs') THEN
        CREATE ROLE sessionlog_logs NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sessionlog_log_owner') THEN
        CREATE ROLE sessionlog_log_owner NOLOGIN;
    END IF;
END
$do$;

GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_logdir() TO sessionlog_log_owner;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) TO sessionlog_log_owner;
GRANT pg_read_all_settings TO sessionlog_log_owner; -- log_directory and log_filename

-- A schema that somebody else made before would be his.
CREATE SCHEMA IF NOT EXISTS sessionlog;
ALTER SCHEMA sessionlog OWNER TO CURRENT_USER;
REVOKE ALL ON SCHEMA sessionlog FROM PUBLIC;
GRANT USAGE ON SCHEMA sessionlog TO sessionlog_logs, sessionlog_log_owner;

-- The files that this server's logging collector writes: regular ones, directly in log_directory, whose names log_filename
-- gives (.csv and .json in place of .log), and what logrotate makes of them with a number behind. Other files in that folder
-- are none of them. The settings are pinned so that a caller's own cannot change what the body means.
CREATE OR REPLACE FUNCTION sessionlog.log_files(OUT name text, OUT size bigint, OUT modified timestamptz)
    RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET standard_conforming_strings = on
AS $fn$
    WITH setting AS (
        SELECT pg_catalog.current_setting('log_filename') AS filename
    ), pattern AS (
        -- What means something in a regular expression is taken as it stands, %% is a per cent sign, and each of strftime's
        -- escapes is anything that a time can be.
        SELECT pg_catalog.replace(
                   pg_catalog.regexp_replace(
                       pg_catalog.regexp_replace(
                           pg_catalog.replace(pg_catalog.regexp_replace(filename, '[.]log$', ''), '%%', pg_catalog.chr(1)),
                           '([]^$*+?{}()|.[\\])', '\\\1', 'g'),
                       '%[A-Za-z]', '[0-9A-Za-z :,+-]+', 'g'),
                   pg_catalog.chr(1), '%')
               || CASE WHEN filename OPERATOR(pg_catalog.~) '.[.]log$' THEN '[.](log|csv|json)' ELSE '([.](csv|json))?' END
               || '([.][0-9]+)?' AS names
        FROM setting
    )
    SELECT f.name, f.size, f.modification
    FROM pg_catalog.pg_ls_logdir() f, pattern
    WHERE f.name COLLATE "C" OPERATOR(pg_catalog.~) ('^(' || pattern.names || ')$')
      AND pg_catalog.strpos(f.name, '/') OPERATOR(pg_catalog.=) 0
$fn$;

-- A part of one of those files, at most 1 MiB: less at the file's end, and NULL when there is no such file.
CREATE OR REPLACE FUNCTION sessionlog.read_log(file text, start bigint, bytes integer)
    RETURNS bytea
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET standard_conforming_strings = on
AS $fn$
BEGIN
    IF start < 0 OR bytes < 0 OR bytes > 1048576 THEN
        RAISE EXCEPTION 'start must not be negative, bytes must be 0 to 1048576' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT EXISTS (SELECT FROM sessionlog.log_files() f WHERE f.name COLLATE "C" = file COLLATE "C") THEN
        RETURN NULL;
    END IF;
    RETURN pg_catalog.pg_read_binary_file(pg_catalog.current_setting('log_directory') || '/' || file, start, bytes::bigint, true);
END
$fn$;

ALTER FUNCTION sessionlog.log_files() OWNER TO sessionlog_log_owner;
ALTER FUNCTION sessionlog.read_log(text, bigint, integer) OWNER TO sessionlog_log_owner;
REVOKE ALL ON FUNCTION sessionlog.log_files(), sessionlog.read_log(text, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sessionlog.log_files(), sessionlog.read_log(text, bigint, integer) TO sessionlog_logs;

COMMIT;
