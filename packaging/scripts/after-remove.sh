#!/bin/sh
# After a removal. The user and /var/lib/otelcol-sessionlog stay, also after a purge: no package removes a table of logins.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
