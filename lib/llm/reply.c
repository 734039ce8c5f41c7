/* lib/llm/reply.c - what a chat completion came back with -> text, or why it is none. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "llm/llm_int.h"

#include <string.h>

/* Content is a string, or (some servers) a list of parts of which we take the text. */
static bool reply_content(const json_t *content, struct desk_buf *out)
{
	size_t i;
	json_t *part;

	if (json_is_string(content))
		return desk_buf_add(out, json_string_value(content), json_string_length(content));
	json_array_foreach(content, i, part) {
		const char *text = desk_json_string(part, "text", NULL);

		if (text != NULL)
			desk_buf_adds(out, text);
	}
	return json_is_array(content);
}

/* "<think>…</think>" of models that think aloud; unclosed, all of it is thinking. */
static void reply_drop_thinking(char *s)
{
	char *open;

	while ((open = strstr(s, "<think>")) != NULL) {
		char *close = strstr(open, "</think>");

		if (close == NULL) {
			*open = '\0';
			return;
		}
		close += strlen("</think>");
		memmove(open, close, strlen(close) + 1);
	}
}

static char *reply_trim(char *s)
{
	size_t n;

	s += strspn(s, " \t\r\n");
	n = strlen(s);
	while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL)
		s[--n] = '\0';
	return s;
}

static enum desk_status reply_text(struct desk_arena *a, const json_t *message, const char **out,
				   struct desk_error *err)
{
	struct desk_buf b;
	char *text;
	bool shaped;

	desk_buf_init(&b, (size_t)1024 * 1024);
	shaped = reply_content(json_object_get(message, "content"), &b);
	text = desk_utf8_clean(a, desk_buf_str(&b).p, b.n, NULL);
	desk_buf_done(&b);
	if (!shaped && json_is_string(json_object_get(message, "refusal")))
		return desk_error_set(err, DESK_E_UPSTREAM, "the model refused to answer");
	if (!shaped)
		return desk_error_set(err, DESK_E_UPSTREAM, "model reply has no message.content");
	reply_drop_thinking(text);
	*out = reply_trim(text);
	if (**out == '\0')
		return desk_error_set(err, DESK_E_UPSTREAM, "model reply is empty");
	return DESK_OK;
}

enum desk_status llm_reply_parse(struct desk_arena *a, struct desk_str body,
				 struct desk_llm_reply *out, struct desk_error *err)
{
	struct desk_error why = { 0 };
	const json_t *choice, *usage;
	const char *finish;
	json_t *doc;

	memset(out, 0, sizeof(*out));
	if (desk_json_parse(a, body.p, body.n, &doc, &why) != DESK_OK)
		return desk_error_set(err, DESK_E_UPSTREAM, "model reply is %s", why.text);
	choice = json_array_get(json_object_get(doc, "choices"), 0);
	if (!json_is_object(choice))
		return desk_error_set(err, DESK_E_UPSTREAM, "model reply has no choices");
	finish = desk_json_string(choice, "finish_reason", "stop");
	if (strcmp(finish, "content_filter") == 0)
		return desk_error_set(err, DESK_E_UPSTREAM,
				      "model reply was held back by a content filter");
	if (reply_text(a, json_object_get(choice, "message"), &out->text, err) != DESK_OK)
		return DESK_E_UPSTREAM;
	usage = json_object_get(doc, "usage");
	out->cut = strcmp(finish, "length") == 0;
	out->model = desk_arena_strdup(a, desk_json_string(doc, "model", ""));
	out->prompt_tokens = desk_json_int(usage, "prompt_tokens", 0);
	out->completion_tokens = desk_json_int(usage, "completion_tokens", 0);
	return DESK_OK;
}

/* A code fit for a log line: what is no word character ends it. */
static const char *reply_code(struct desk_arena *a, const struct desk_net_reply *r)
{
	const char *code;
	json_t *doc, *error;

	if (desk_json_parse(a, r->body.p, r->body.n, &doc, NULL) != DESK_OK)
		return "";
	error = json_object_get(doc, "error");
	code = desk_json_string(error, "code", desk_json_string(error, "type", ""));
	return desk_arena_strndup(a, code,
				  strspn(code,
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789_.-"));
}

enum desk_status llm_reply_refused(struct desk_arena *a, const struct desk_net_reply *r,
				   struct desk_error *err)
{
	const char *code = reply_code(a, r);

	return desk_error_set(err, r->status == 429 ? DESK_E_LIMIT : DESK_E_UPSTREAM,
			      "model server says %d%s%.60s after %d tries", r->status,
			      *code != '\0' ? " " : "", code, r->tries);
}
