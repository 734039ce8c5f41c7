/* tests/support/extract_driver.c - what desk_extract_run makes of files, as JSON lines. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* extract_driver PROGRAM [--text] FILE...: {file, status, reason, format, title, pages, chars, ms}. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ingestion/ingestion.h"

static enum desk_status keep_text(void *arg, const struct desk_extract_part *p)
{
	json_t *list = arg;

	return json_array_append_new(list, json_pack("{s:I, s:I, s:s%}", "page", (json_int_t)p->page,
						     "start", (json_int_t)p->start, "text", p->text.p,
						     p->text.n)) == 0 ? DESK_OK : DESK_E_BUG;
}

static void run_file(const char *program, const char *path, bool text)
{
	struct desk_extract_job job = { .fd = open(path, O_RDONLY | O_CLOEXEC), .name = path,
					.program = program };
	struct desk_extract_result out = { 0 };
	struct desk_error err = { 0 };
	json_t *parts = json_array(), *line;
	int64_t from = desk_mono_us(NULL);
	enum desk_status rc;

	if (strrchr(path, '/') != NULL)
		job.name = strrchr(path, '/') + 1;
	rc = desk_extract_run(&job, keep_text, parts, &out, &err);
	line = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "file", path, "status",
			 desk_status_name(rc), "reason", err.text, "format", out.format, "title",
			 out.title, "pages", (json_int_t)out.pages, "chars", (json_int_t)out.chars,
			 "ms", (json_int_t)((desk_mono_us(NULL) - from) / 1000));
	if (text)
		json_object_set(line, "parts", parts);
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
	json_decref(parts);
	close(job.fd);
}

int main(int argc, char **argv)
{
	bool text = argc > 2 && strcmp(argv[2], "--text") == 0;

	for (int i = text ? 3 : 2; i < argc; i++)
		run_file(argv[1], argv[i], text);
	return argc > 2 ? 0 : 64;
}
