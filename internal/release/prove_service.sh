#!/bin/sh
# A package's life on a Debian 12 with systemd, PostgreSQL and sshd, which bootedDebian has booted. In /root lie the commands of docs/deploy.md
# (package.sh, login.sh) and the package of this version and of a later one: prove_service.sh FIRST.deb VERSION LATER.deb VERSION
set -eu
first=$1 first_version=$2 later=$3 later_version=$4
config=/etc/otelcol-sessionlog/config.yaml
table=/var/lib/otelcol-sessionlog/session_log.db
export DEBIAN_FRONTEND=noninteractive

as_service() { runuser -u otelcol-sessionlog -G adm -G systemd-journal -- "$@"; }
pid() { systemctl show --value --property=MainPID otelcol-sessionlog; }
rows() { as_service sqlite3 -readonly "$table" "SELECT count(*) FROM session_events WHERE $1"; }
explorer() { curl -sf "http://127.0.0.1:8127/api/v1/events?user_name=$1" | grep -q "\"$1\""; }
fail() { echo "$*" >&2; exit 1; }
await() { # command…, for a minute
  for _ in $(seq 120); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.5
  done
  journalctl --no-pager --unit otelcol-sessionlog --lines 30 >&2
  fail "never true: $*"
}
# log_in has PostgreSQL refuse a name that nobody had before, and waits until it is a row, once.
log_in() {
  PGPASSWORD=wrong PGSSLMODE=disable psql --host 127.0.0.1 --username "$1" postgres >/dev/null 2>&1 && fail "$1 was let in"
  is_a_row() { [ "$(rows "user_name = '$1'")" = 1 ]; }
  await is_a_row "$1"
}
runs() { # the version that runs, which is not always the one that is installed
  systemctl --quiet is-active otelcol-sessionlog || fail "the service does not run"
  "/proc/$(pid)/exe" --version | grep -qF "v$1" || fail "not $1 runs: $("/proc/$(pid)/exe" --version)"
}
install() { apt-get install -q -y --allow-downgrades "./$1" >apt.log 2>&1 || fail "$(cat apt.log)"; }

echo "step: from the package to a login in the explorer, by the commands of docs/deploy.md"
began=$(date +%s)
sh -eu ./package.sh
sh -eu ./login.sh
await explorer postgres
await explorer nosuchuser
echo "seconds: $(($(date +%s) - began))"
runs "$first_version"

echo "step: the unit as it is installed, and the process as it runs"
systemd-analyze verify --man=no otelcol-sessionlog.service 2>&1 | grep otelcol-sessionlog && fail "verify has a word"
systemd-analyze security --no-pager --threshold=20 otelcol-sessionlog.service >security.log || fail "$(cat security.log)"
grep -q '^CapEff:	0*$' "/proc/$(pid)/status" || fail "it has capabilities"
grep -q '^NoNewPrivs:	1' "/proc/$(pid)/status" || fail "it may get privileges"
grep -q '^Seccomp:	2' "/proc/$(pid)/status" || fail "it may make any system call"
[ "$(stat -c %U "/proc/$(pid)")" = otelcol-sessionlog ] || fail "it is not its user's"
grep -q ' / [^ ]* ro,' "/proc/$(pid)/mounts" || fail "it may write anywhere"

echo "step: a reload takes a configuration, and refuses one that is wrong"
before=$(pid)
cp -p "$config" right.yaml
sed -i 's/127.0.0.1:13133/127.0.0.1:13199/' "$config"
systemctl reload otelcol-sessionlog
await curl -sf http://127.0.0.1:13199/ready
cp -p right.yaml "$config"
echo 'nonsense: 1' >>"$config"
systemctl reload otelcol-sessionlog
refused() { journalctl --no-pager --unit otelcol-sessionlog | grep -q nonsense; }
await refused
log_in while_refused
cp -p right.yaml "$config"
systemctl reload otelcol-sessionlog
await curl -sf http://127.0.0.1:13133/ready
[ "$(pid)" = "$before" ] || fail "a reload was a restart"

echo "step: what stands beside it: doctor, pages of the manual, completion"
as_service sessionlog doctor --config "$config" >doctor.log || fail "$(cat doctor.log)"
as_service sessionlog search --sqlite "$table" --user nosuchuser --from -1h 2>/dev/null | grep -q nosuchuser
for page in sessionlog sessionlog-search otelcol-sessionlog; do zgrep -q '^.TH' "/usr/share/man/man1/$page.1.gz"; done
bash -c '. /usr/share/bash-completion/completions/sessionlog; complete -p sessionlog' >/dev/null

echo "step: an upgrade keeps table, place and configuration"
echo '# a line of mine' >>"$config"
held=$(rows true)
install "$later"
runs "$later_version"
grep -q '^# a line of mine' "$config"
log_in after_upgrade
[ "$(rows true)" -gt "$held" ] || fail "rows were lost"

echo "step: a rollback works on the same table"
install "$first"
runs "$first_version"
log_in after_rollback
[ "$(rows "user_name = 'after_upgrade'")" = 1 ]

echo "step: an upgrade that would not take the configuration leaves the version before at work"
before=$(pid)
cp -p "$config" right.yaml
sed -i 's/^  sessionlog_delivery:/  sessionlog_delivery: {removed_key: 1}/' "$config"
install "$later"
grep -q 'does not take' apt.log || fail "$(cat apt.log)"
[ "$(pid)" = "$before" ] || fail "the service was started anew"
log_in while_not_taken
cp -p right.yaml "$config"
systemctl restart otelcol-sessionlog
log_in after_mending
runs "$later_version"

echo "step: a removal keeps the table and the configuration, a purge the table alone"
echo 'PASSWORD=x' >/etc/otelcol-sessionlog/environment
apt-get remove -q -y otelcol-sessionlog >apt.log 2>&1 || fail "$(cat apt.log)"
systemctl --quiet is-active otelcol-sessionlog && fail "the service still runs"
[ ! -e /usr/bin/otelcol-sessionlog ] || fail "the program is still there"
[ -e "$config" ]
[ -e "$table" ]
install "$later"
systemctl enable --now otelcol-sessionlog 2>/dev/null
log_in after_removal
apt-get purge -q -y otelcol-sessionlog >apt.log 2>&1 || fail "$(cat apt.log)"
[ ! -e /etc/otelcol-sessionlog ] || fail "something is left in /etc"
[ "$(sqlite3 -readonly "$table" "SELECT count(*) FROM session_events WHERE user_name LIKE '%\_%' ESCAPE '\\'")" = 6 ]
