package dialect

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatRedshiftRefuses(t *testing.T) {
	for sql, want := range map[string]string{
		"COPY t (a, b) FROM STDIN BINARY":                         `syntax error at or near "STDIN" (42601)`,
		"copy (select 1) to stdout":                               `syntax error at or near "(" (42601)`,
		"copy t from 's3://bucket/x' iam_role default":            "not modelled",
		"INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING":     `near "ON"`,
		"INSERT INTO t VALUES (1) RETURNING a":                    `near "RETURNING"`,
		"SELECT DISTINCT ON (a) a, b FROM t":                      "SELECT DISTINCT ON is not supported (0A000)",
		"CREATE UNIQUE INDEX i ON t (a)":                          `SQL command "CREATE UNIQUE INDEX i ON t (a)" not supported`,
		"CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()": "not supported",
		"CREATE TYPE mood AS ENUM ('a')":                          "not supported",
		"SELECT ARRAY[1, 2]":                                      "ARRAY",
		"SELECT * FROM t WHERE a = ANY($1)":                       "ARRAY",
		"SELECT '{a}'::text[]":                                    "array types",
		"SELECT * FROM (VALUES (1)) v":                            `near "VALUES"`,
		"VALUES (1)":                                              `near "VALUES"`,
		`SELECT E'a\n'`:                                           `type "e" does not exist (42704)`,
		"SELECT $1::uuid":                                         `type "uuid" does not exist`,
		"SELECT CAST(a AS jsonb) FROM t":                          `type "jsonb" does not exist`,
		"SET standard_conforming_strings = on":                    `unrecognized configuration parameter "standard_conforming_strings" (42704)`,
		"set SESSION extra_float_digits to 3":                     "outside the valid range",
		"SHOW server_version":                                     `must be superuser to examine "server_version"`,
		"SELECT current_setting('server_version_num')":            "unrecognized",
		"SELECT pg_advisory_lock(1)":                              "function pg_advisory_lock() does not exist",
		"SELECT count(*) FILTER (WHERE a) FROM t":                 `near "FILTER"`,
		"SELECT 1 FROM t, LATERAL (SELECT 2) x":                   `near "LATERAL"`,
		"SELECT 1 FROM t FOR UPDATE SKIP LOCKED":                  `near "SKIP"`,
		"DISCARD ALL":                                             `near "DISCARD"`,
		"SELECT 1; DISCARD ALL":                                   `near "DISCARD"`,
		"CREATE TABLE t (id uuid)":                                `Column "t.id" has unsupported type "uuid". (0A000)`,
		`CREATE TABLE s.t (a int, "b" serial)`:                    `Column "t.b" has unsupported type "serial".`,
		"CREATE TABLE t (a text[])":                               "unsupported type",
		"CREATE TABLE t (a bytea)":                                `unsupported type "bytea"`,
		"CREATE TABLE t (a int CHECK (a > 0))":                    "column CHECK constraint is not supported",
		"CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 0))":      "CHECK constraint is not supported",
		"CREATE TABLE t (a varchar(65536))":                       "cannot exceed 65535 (22023)",
		"CREATE TABLE t (a int) PARTITION BY RANGE (a)":           `near "PARTITION"`,
		"CREATE TABLE t (a int) INHERITS (u)":                     `near "INHERITS"`,
		"CREATE TABLE t (a int GENERATED ALWAYS AS (1) STORED)":   `near "GENERATED"`,
		"ALTER TABLE t ADD COLUMN a int, ADD COLUMN b int":        "multiple subcommands",
		"ALTER TABLE t ADD COLUMN IF NOT EXISTS a int":            `near "NOT"`,
		"ALTER TABLE t ADD COLUMN a jsonb":                        "unsupported type",
		"ALTER TABLE t ALTER DISTKEY a":                           "does not model",
		"SELECT '" + strings.Repeat("x", MaxStatement) + "'":      "Statement is too large. Statement Size: 16777225 bytes. Maximum Allowed: 16777216 bytes",
	} {
		got, refusal := Translate(sql)
		require.NotNil(t, refusal, "%.100s was taken as %.100s", sql, got)
		require.Contains(t, refusal.Error(), want, "%.100s", sql)
	}
}

func TestWhatIsWrittenOtherwise(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1":                                                      "SELECT 1",
		"SELECT getdate(), SYSDATE":                                     "SELECT getdate(), LOCALTIMESTAMP",
		"SELECT t.sysdate, version FROM t":                              "SELECT t.sysdate, version FROM t",
		"SELECT version()":                                              "SELECT '" + Version + "'::varchar",
		"SELECT NVL(a, 'nvl(b)') -- nvl(c)":                             "SELECT coalesce(a, 'nvl(b)') -- nvl(c)",
		"SELECT dateadd(day, -7, getdate())":                            "SELECT dateadd('day', -7, getdate())",
		"SELECT DATEDIFF(microsecond, a, b)":                            "SELECT datediff('microsecond', a, b)",
		"SELECT approximate count(distinct a)":                          "SELECT  count(distinct a)",
		"SELECT a::super, CAST(b AS varbyte(16))":                       "SELECT a::jsonb, CAST(b AS bytea)",
		"SET query_group TO 'x'":                                        "SET redshift.query_group TO 'x'",
		"BEGIN; INSERT INTO t VALUES (1), (2);":                         "BEGIN; INSERT INTO t VALUES (1), (2);",
		`SELECT 'it\'s ; here', ";", $$;$$ /* ; /* ; */ ; */; SELECT 2`: `SELECT 'it\'s ; here', ";", $$;$$ /* ; /* ; */ ; */; SELECT 2`,
		"SELECT 'on conflict', \"returning\" FROM t -- distinct on (a)": "SELECT 'on conflict', \"returning\" FROM t -- distinct on (a)",
		"CREATE TABLE t (a int, PRIMARY KEY (a), UNIQUE (a))":           "CREATE TABLE t (a int)",
		"CREATE TABLE IF NOT EXISTS s.t (id bigint IDENTITY(1,1) PRIMARY KEY DISTKEY SORTKEY, at timestamp NOT NULL ENCODE az64 DEFAULT sysdate)" +
			" DISTSTYLE KEY COMPOUND SORTKEY (at, id) BACKUP NO": "CREATE TABLE IF NOT EXISTS s.t (id bigint GENERATED ALWAYS AS IDENTITY (START WITH 1 INCREMENT BY 1) NOT NULL, " +
			"at timestamp NOT NULL DEFAULT LOCALTIMESTAMP)    ",
		"CREATE TABLE t (a varchar(max) NOT NULL)": `CREATE TABLE t (a varchar(65535) CONSTRAINT "redshift bytes 65535 a" CHECK (octet_length(a) <= 65535) NOT NULL)`,
		"CREATE TABLE t (a text)":                  `CREATE TABLE t (a varchar(256) CONSTRAINT "redshift bytes 256 a" CHECK (octet_length(a) <= 256))`,
		"CREATE TABLE t (a super, b varbyte(16), c double precision, d timestamp with time zone, e char(3) REFERENCES u (x))": "CREATE TABLE t (a jsonb, b bytea, " +
			"c double precision, d timestamp with time zone, e char(3))",
		"CREATE TEMP TABLE s (LIKE t)":                     "CREATE TEMP TABLE s (LIKE t INCLUDING CONSTRAINTS)",
		"CREATE TEMPORARY TABLE s SORTKEY (a) AS SELECT 1": "CREATE TEMPORARY TABLE s  AS SELECT 1",
		"ALTER TABLE t ADD COLUMN a super ENCODE zstd":     "ALTER TABLE t ADD COLUMN a jsonb",
		"ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY (a)":   "SELECT 1 WHERE false",
		"ALTER TABLE t RENAME TO u":                        "ALTER TABLE t RENAME TO u",
		"":                                                 "",
	} {
		got, refusal := Translate(sql)
		require.Nil(t, refusal, sql)
		require.Equal(t, strings.Join(strings.Fields(want), " "), strings.Join(strings.Fields(got), " "), sql)
	}
}

func TestEveryRuleHasASource(t *testing.T) {
	for _, r := range rules {
		require.NotEmpty(t, r.what)
		require.Regexp(t, `^(docs|derived): .|#[0-9]+`, r.source, r.what)
	}
}

// FuzzTranslate: no text of a client makes it panic, and what holds nothing special is left as it is.
func FuzzTranslate(f *testing.F) {
	for _, seed := range []string{"create table t (a int, ", "alter table t add", "select dateadd(", "$a$", "'\\", "/*", "identity(", "set", "::", "create table t (a varchar("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		_, _ = Translate(sql)
		var joined strings.Builder
		for _, token := range lex(sql) {
			joined.WriteString(token.text)
		}
		require.Equal(t, sql, joined.String())
	})
}
