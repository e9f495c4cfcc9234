-- Functions of Redshift that PostgreSQL has not. Package dialect quotes the date part of dateadd and datediff.
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE
  RETURN date_trunc('second', statement_timestamp() AT TIME ZONE current_setting('TimeZone'));

CREATE FUNCTION pg_catalog.dateadd(part text, n bigint, t timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE
  RETURN t + n * ('1 ' || part)::interval;

-- The number of boundaries that lie between the two, as Redshift counts: an hour is between 10:59 and 11:00.
CREATE FUNCTION pg_catalog.datediff(part text, a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE
  RETURN CASE
    WHEN part IN ('microsecond', 'microseconds') THEN (extract(epoch FROM b - a) * 1000000)::bigint
    WHEN part IN ('millisecond', 'milliseconds') THEN (extract(epoch FROM date_trunc('millisecond', b) - date_trunc('millisecond', a)) * 1000)::bigint
    WHEN part IN ('second', 'seconds') THEN extract(epoch FROM date_trunc('second', b) - date_trunc('second', a))::bigint
    WHEN part IN ('minute', 'minutes') THEN (extract(epoch FROM date_trunc('minute', b) - date_trunc('minute', a)) / 60)::bigint
    WHEN part IN ('hour', 'hours') THEN (extract(epoch FROM date_trunc('hour', b) - date_trunc('hour', a)) / 3600)::bigint
    WHEN part IN ('day', 'days') THEN b::date - a::date
  END;

CREATE FUNCTION pg_catalog.len(t text) RETURNS integer LANGUAGE sql IMMUTABLE RETURN length(t);
CREATE FUNCTION pg_catalog.json_parse(t text) RETURNS jsonb LANGUAGE sql IMMUTABLE RETURN t::jsonb;
CREATE FUNCTION pg_catalog.json_serialize(j jsonb) RETURNS text LANGUAGE sql IMMUTABLE RETURN j::text;
CREATE FUNCTION pg_catalog.from_hex(t text) RETURNS bytea LANGUAGE sql IMMUTABLE RETURN decode(t, 'hex');
CREATE FUNCTION pg_catalog.to_varbyte(t text, format text) RETURNS bytea LANGUAGE sql IMMUTABLE
  RETURN CASE lower(format) WHEN 'hex' THEN decode(t, 'hex') WHEN 'base64' THEN decode(t, 'base64') ELSE convert_to(t, 'UTF8') END;
CREATE FUNCTION pg_catalog.to_hex(b bytea) RETURNS text LANGUAGE sql IMMUTABLE RETURN encode(b, 'hex');
CREATE FUNCTION pg_catalog.sha2(t text, bits integer) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN CASE bits WHEN 256 THEN encode(sha256(convert_to(t, 'UTF8')), 'hex') WHEN 512 THEN encode(sha512(convert_to(t, 'UTF8')), 'hex') END;

-- Documents are text there. A path that leads nowhere gives an empty text ("JSON_EXTRACT_PATH_TEXT function"); what is no JSON is an error,
-- or NULL for those who ask for that.
CREATE FUNCTION pg_catalog.json_extract_path_text(doc varchar, key varchar, null_if_invalid boolean) RETURNS varchar
  LANGUAGE plpgsql IMMUTABLE STRICT AS $$
  BEGIN
    RETURN coalesce(doc::jsonb ->> key, '');
  EXCEPTION WHEN data_exception THEN
    IF null_if_invalid THEN RETURN NULL; END IF;
    RAISE;
  END $$;
CREATE FUNCTION pg_catalog.json_extract_path_text(doc varchar, key varchar) RETURNS varchar LANGUAGE sql IMMUTABLE
  RETURN pg_catalog.json_extract_path_text(doc, key, FALSE);
