#!/bin/sh
# Install commentsvc from the source in /src into /opt/commentsvc, on a fresh Debian, as root.
set -eu

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# pg_dump and pg_restore are for backups of PostgreSQL.
apt-get install -qq -y --no-install-recommends python3-venv postgresql-client ca-certificates >/dev/null

python3 -m venv /opt/commentsvc
/opt/commentsvc/bin/pip install -qq --no-cache-dir --require-hashes -r /src/requirements/scale.txt
/opt/commentsvc/bin/pip install -qq --no-cache-dir --no-deps /src
/opt/commentsvc/bin/python -m compileall -q /opt/commentsvc/lib

useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin commentsvc
install -d -o commentsvc -g commentsvc -m 0700 /data /backups

rm -rf /var/lib/apt/lists/*
