#!/bin/sh
# Pin what pyproject.toml asks for: base (SQLite, one process), scale (PostgreSQL, Redis), test (everything).
set -eu
pin() {
    output=$1
    shift
    .venv/bin/uv pip compile --quiet pyproject.toml --generate-hashes --universal --python-version 3.11 \
        --no-emit-find-links --no-header --no-annotate "$@" --output-file "requirements/$output.txt"
}
pin base
pin scale --extra postgres --extra redis
pin test --extra postgres --extra push --extra redis --extra test
