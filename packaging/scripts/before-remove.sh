#!/bin/sh
# Before a removal, not before an upgrade: dpkg says upgrade, rpm counts what stays.
set -e
case "${1:-}" in upgrade | 1) exit 0 ;; esac
if [ -d /run/systemd/system ]; then
  systemctl disable --now otelcol-sessionlog.service
fi
