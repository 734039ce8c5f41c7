#!/bin/bash
# search.sh - hybrid search at 82,000 chunks through lib/ alone: p50 and p99, alone and at 8 clients.
# SPDX-License-Identifier: GPL-3.0-or-later
#
#	DATABASE_URL=… DATABASE_ADMIN_URL=… JWT_SECRET=… bench/retrieval/search.sh [BUILD] [CHUNKS]
#
# The schemas are migrated. Makes a tenant and loads it, which takes minutes (each chunk is embedded);
# a tenant that is there from before is only timed. Questions have their vectors at hand and are new to
# the server each time; "again" times questions that were asked before.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$top/build} chunks=${2:-82000} domain=bench-${2:-82000}.example
driver=$build/tests/retrieval_driver
export EMBEDDING_MODEL_PATH=${EMBEDDING_MODEL_PATH:-$top/models/all-minilm-l6-v2.int8.desk}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 "$top/bench/corpus.py" --chunks "$chunks" --questions "$work/questions.jsonl" >"$work/corpus.jsonl"
head -n 400 "$work/questions.jsonl" >"$work/few.jsonl"
if "$build/ctl/frontdeskctl" tenant add "$domain"; then
	"$driver" load "$domain" "$work/corpus.jsonl"
fi
for how in time again; do
	for clients in 1 8; do
		echo "$how:"
		"$driver" "$how" "$domain" "$work/few.jsonl" 10 "$clients"
	done
done
NO_DENSE=1 "$driver" time "$domain" "$work/few.jsonl" 10 1
