#!/bin/sh
# After a removal. The user and /var/lib/otelcol-sessionlog stay, also after a purge: no package removes a table of logins.
set -e
if [ "${1:-}" = purge ]; then # passwords go with the configuration
  rm -f /etc/otelcol-sessionlog/environment
  rmdir /etc/otelcol-sessionlog 2>/dev/null || true
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
