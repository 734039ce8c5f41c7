# sample.sh - the sample tenant, its documents, a first question, and what to try next.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

sample_tenant=meridian.example
sample_question="Does the rescue signal work without a phone?"

sample_key()
{
	find "$top/samples/public" "$top/samples/internal" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum
}

sample_tenant_make()
{
	ctl tenant list --json | jq -e --arg d $sample_tenant 'any(.[]; .domain == $d)' >/dev/null && return
	ctl tenant add $sample_tenant --name "Meridian Outdoor" --allow-anonymous >/dev/null
	rm -f "$state/stamps/samples"
}

# Documents are told apart by their content, so what is there already is not read again.
sample_ingest()
{
	say "  documents of samples/ into $sample_tenant"
	ctl ingest --tenant $sample_tenant "$top/samples/public" --audience public --wait
	ctl ingest --tenant $sample_tenant "$top/samples/internal" --audience internal --wait
	stamp samples "$(sample_key)"
}

sample_ask()
{
	local url=http://127.0.0.1:$port/v1/query reply=$state/run/answer.json status
	status=$(jq -n --arg t $sample_tenant --arg m "$sample_question" \
		'{tenant_id: $t, message: $m, channel: "WEB"}' |
		curl -sS --max-time 60 -o "$reply" -w '%{http_code}' \
			-H 'Content-Type: application/json' --data-binary @- "$url") || die "no answer from $url"
	[ "$status" = 200 ] || die "the question got $status: $(cat "$reply")"
	jq -e '.citations | length > 0' "$reply" >/dev/null || die "the answer cites nothing: $(cat "$reply")"
	say ""
	say "  Asked:    $sample_question"
	jq -r '"  Answered: " + (.response | gsub("\n"; "\n            ")),
		(.citations | to_entries[] | "  [\(.key + 1)] \(.value.title // .value.source)"
			+ (if .value.page then ", page \(.value.page)" else "" end)
			+ "  (relevance \((.value.relevance * 100 | round) / 100))"),
		"  confidence \((.confidence * 100 | round) / 100)"' "$reply"
}

sample_next()
{
	local url=http://127.0.0.1:$port
	cat <<END

Try next:
  curl -s $url/v1/query -H 'Content-Type: application/json' \\
    -d '{"tenant_id":"$sample_tenant","message":"How long is a gift card valid?","channel":"WEB"}' | jq
  ./dev ctl ask --tenant $sample_tenant "How many days of annual leave do I have?"
  ./dev ctl search --tenant $sample_tenant "remote work" --explain
  ./dev ctl ingest --tenant $sample_tenant --wait YOUR.pdf
  ./dev psql           the database        ./dev logs    what happens
  ./dev test           all the tests       ./dev down    stop it all

END
}

# The first time it asks; again it only looks, as a question is kept as a conversation.
sample_try()
{
	step_here "tenant $sample_tenant" sample_tenant_make
	if done_before samples "$(sample_key)"; then
		curl -fsS --max-time 10 -o "$state/run/ready.json" "http://127.0.0.1:$port/v1/health/ready" ||
			die "it runs but is not ready: $(cat "$state/run/ready.json" 2>/dev/null)"
		say "  its documents are in, and it is ready"
	else
		sample_ingest
		sample_ask
	fi
	sample_next
}
