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
SET LOCAL search_path = pg_catalog, pg_temp;

-- Whoever is a member of sessionlog_logs may read the log. sessionlog_log_owner has the rights that the functions work with:
-- nobody logs in as it and nobody is a member, and it is far from a superuser. An account with CREATEROLE may have made roles of
-- these names before, to log in as them afterwards, or a function that works with the rights of one of them: what is not as it was
-- made here is refused. (Before 16, such an account can read every file of the server in any case: it may grant itself
-- pg_read_server_files. Let nobody have CREATEROLE there who is not to be trusted as a superuser is.)
DO $do$
DECLARE
    installed CONSTANT boolean := EXISTS (
        SELECT FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner
        WHERE p.oid = to_regprocedure('sessionlog.read_log(text, bigint, integer)') AND o.rolname = 'sessionlog_log_owner');
    role record;
    wrong text;
BEGIN
    FOR role IN SELECT r.*, r.rolname = 'sessionlog_log_owner' AS owner FROM pg_roles r WHERE r.rolname IN ('sessionlog_log_owner', 'sessionlog_logs') LOOP
        wrong := CASE
            WHEN role.rolcanlogin THEN 'may log in'
            WHEN role.rolsuper OR role.rolcreaterole OR role.rolcreatedb OR role.rolreplication OR role.rolbypassrls THEN 'has attributes'
            WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = role.oid AND (role.owner OR m.admin_option OR NOT installed)) THEN
                CASE WHEN role.owner THEN 'has members' ELSE 'has members that install.sql did not expect: from before it, or with ADMIN OPTION' END
            WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.member = role.oid AND NOT (role.owner AND m.roleid = 'pg_read_all_settings'::regrole)) THEN
                'is a member of other roles'
            WHEN EXISTS (
                SELECT FROM pg_shdepend d
                WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = role.oid AND d.deptype = 'o' AND NOT (
                    role.owner AND d.classid = 'pg_proc'::regclass AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                    AND d.objid IN (coalesce(to_regprocedure('sessionlog.log_files()')::oid, 0), coalesce(to_regprocedure('sessionlog.read_log(text, bigint, integer)')::oid, 0)))
            ) THEN 'owns what install.sql has not made in this database'
        END;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'the role % %: somebody else made or changed it', role.rolname, wrong
                USING ERRCODE = 'insufficient_privilege', HINT = format('Look at it with \du+ %1$s, take it away and run this again: DROP OWNED BY %1$s CASCADE in each database, DROP ROLE %1$s.', role.rolname);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'sessionlog' AND NOT r.rolsuper) THEN
        RAISE EXCEPTION 'the schema sessionlog belongs to an account that is no superuser'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Look at what is in it, take it away and run this again: DROP SCHEMA sessionlog CASCADE.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sessionlog_logs') THEN
        CREATE ROLE sessionlog_logs NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sessionlog_log_owner') THEN
        CREATE ROLE sessionlog_log_owner NOLOGIN;
    END IF;
END
$do$;

GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_logdir() TO sessionlog_log_owner;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) TO sessionlog_log_owner;
GRANT pg_read_all_settings TO sessionlog_log_owner; -- log_directory and log_filename

-- The functions are made anew, so that nobody keeps a right on them that was granted before.
CREATE SCHEMA IF NOT EXISTS sessionlog;
REVOKE ALL ON SCHEMA sessionlog FROM PUBLIC;
GRANT USAGE ON SCHEMA sessionlog TO sessionlog_logs, sessionlog_log_owner;
DROP FUNCTION IF EXISTS sessionlog.read_log(text, bigint, integer);
DROP FUNCTION IF EXISTS sessionlog.log_files();

-- The files that this server's logging collector writes: regular ones, directly in log_directory, whose names log_filename
-- gives (.csv and .json in place of .log), and what logrotate makes of them with a number behind. Other files in that folder
-- are none of them. The settings are pinned so that a caller's own cannot change what the body means.
CREATE FUNCTION sessionlog.log_files(OUT name text, OUT size bigint, OUT modified timestamptz)
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
CREATE FUNCTION sessionlog.read_log(file text, start bigint, bytes integer)
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
