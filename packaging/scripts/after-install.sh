#!/bin/sh
# After an installation and an upgrade, of each kind of package: the user, his folder, and the service that runs already anew.
set -e
user=otelcol-sessionlog
folder=/var/lib/otelcol-sessionlog
settings=/etc/otelcol-sessionlog

if ! getent passwd "$user" >/dev/null 2>&1; then
  if command -v useradd >/dev/null; then
    useradd --system --user-group --home-dir "$folder" --no-create-home --shell /usr/sbin/nologin "$user"
  else # Alpine
    addgroup -S "$user" && adduser -S -D -H -h "$folder" -s /sbin/nologin -G "$user" "$user"
  fi
fi
if [ ! -d "$folder" ]; then
  mkdir -m 0700 "$folder" && chown "$user:$user" "$folder"
fi

# Nothing starts by itself before its configuration has been read by a person.
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl --quiet is-active otelcol-sessionlog.service || exit 0
# A key that this version no longer takes would end the service: the version before goes on instead.
if systemd-run --quiet --wait --pipe --collect --uid="$user" --property=EnvironmentFile="-$settings/environment" \
  otelcol-sessionlog validate --config "$settings/config.yaml" >&2; then
  systemctl restart otelcol-sessionlog.service
else
  echo "otelcol-sessionlog: this version does not take $settings/config.yaml, so the version before goes on until the machine restarts." >&2
  echo "Mend it, then: systemctl restart otelcol-sessionlog" >&2
fi
