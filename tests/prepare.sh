#!/bin/sh
# Get what the tests need besides Python: a browser, PostgreSQL and a mailbox. On Debian and where we may; elsewhere say what is skipped.
# What would start servers of its own (nginx, Caddy, Prometheus, PgBouncer, Redis) is left to .ci/run: its tests are skipped.
set -u

have() { command -v "$1" >/dev/null 2>&1; }

wanted=""
have chromium-headless-shell || have chromium || wanted="$wanted chromium-headless-shell"
have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || wanted="$wanted postgresql"
have dovecot || [ -x /usr/sbin/dovecot ] || wanted="$wanted dovecot-imapd dovecot-lmtpd"
[ -f /usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf ] || wanted="$wanted fonts-dejavu-core"
[ -z "$wanted" ] && exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if have apt-get && { [ -z "$as_root" ] || sudo -n true 2>/dev/null; }; then
    echo "Installing$wanted"
    # shellcheck disable=SC2086 - the list is meant to be split
    $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $wanted >/dev/null && exit 0
fi
echo "Skipped: tests that need$wanted, which cannot be installed from here."
