#!/bin/bash
# check_layers.sh - who may include whom: the rooms of lib/, and what programs must leave to lib/.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck source=tests/guards/lib.sh
. "$(dirname "$0")/lib.sh"

# room: the rooms it may include beside itself. Nothing points up.
ground="base log config"
edges="net db cache queue"
identity="tenancy auth"
model="embed llm"
services="ingestion retrieval handoff channels"
may()
{
	case $1 in
	base) ;;
	log) echo base ;;
	config) echo base log ;;
	net | db | cache) echo "$ground" ;;
	queue) echo "$ground" db cache ;;
	tenancy) echo "$ground $edges" ;;
	auth) echo "$ground $edges" tenancy ;;
	embed | llm) echo "$ground $edges $identity" ;;
	ingestion | retrieval | handoff | channels) echo "$ground $edges $identity $model" ;;
	chat) echo "$ground $edges $identity $model $services" ;;
	*) return 1 ;;
	esac
}

# includes FILE: "line path" of each #include "path".
includes()
{
	sed -nE '/^[[:space:]]*#[[:space:]]*include[[:space:]]*"/{=;s/.*"([^"]*)".*/\1/p}' "$1" | paste -d' ' - -
}

for f in $(sources lib); do
	room=${f#lib/}
	room=${room%%/*}
	[ "$room" != "${f#lib/}" ] || { finding "$f:1: a file of lib/ belongs into a room"; continue; }
	allowed_rooms=$(may "$room") || { finding "$f:1: room \"$room\" is not in the table"; continue; }
	while read -r line path; do
		to=${path%%/*}
		case $path in
		*/*) ;;
		config.h | *.h) [ "$path" = config.h ] || [ -e "lib/$room/$path" ] ||
			finding "$f:$line: \"$path\" is not in this room: write \"room/$path\""; continue ;;
		esac
		[ "$to" != "$room" ] || continue
		case " $allowed_rooms " in
		*" $to "*) ;;
		*) finding "$f:$line: $room may not include $to" ;;
		esac
		case $path in *_int.h) finding "$f:$line: $path is private to $to" ;; esac
	done < <(includes "$f")
done

for f in $(sources fcgi jobs ctl admin-tui); do
	while read -r line path; do
		case $path in *_int.h) [ -e "$(dirname "$f")/${path##*/}" ] ||
			finding "$f:$line: $path is private to its room" ;; esac
	done < <(includes "$f")
	while IFS=: read -r line text; do
		finding "$f:$line: a program leaves this to lib/: $text"
	done < <(grep -nE '#[[:space:]]*include[[:space:]]*<(libpq-fe|postgresql/|curl/|hiredis)' "$f"
		grep -nE '"[[:space:]]*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE (TABLE|ROLE|SCHEMA))[[:space:]]' "$f")
done
verdict
