#!/bin/sh
# After an installation and an upgrade, of each kind of package: the user, his folder, and the service that runs already anew.
set -e
user=otelcol-sessionlog
folder=/var/lib/otelcol-sessionlog

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
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart otelcol-sessionlog.service
fi
