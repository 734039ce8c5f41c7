/* tests/unit/test_embed_model.c - claims about opening the model file. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/embed_files.h"

#include <unistd.h>

/* The small model's bytes; the caller frees. */
static unsigned char *small_read(size_t *n)
{
	char path[4096];
	FILE *f = fopen(embed_file(EMBED_SMALL, path), "rb");
	unsigned char *p = desk_xmalloc(1 << 20);

	ck_assert_msg(f != NULL, "cannot read %s", path);
	*n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

/* What opening a file of these bytes gives. */
static enum desk_status open_bytes(const void *p, size_t n, struct desk_error *err)
{
	char path[] = "/tmp/test_embed_model.XXXXXX";
	struct desk_embed_options o = { .model_path = path };
	struct desk_embedder *e = NULL;
	int fd = mkstemp(path);
	enum desk_status rc;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, p, n), (ssize_t)n);
	close(fd);
	memset(err, 0, sizeof(*err));
	rc = desk_embedder_open(&o, &e, err);
	desk_embedder_free(e);
	unlink(path);
	return rc;
}

START_TEST(a_whole_file_opens)
{
	struct desk_error err;
	size_t n;
	unsigned char *p = small_read(&n);

	ck_ok(open_bytes(p, n, &err), &err);
	free(p);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused)
{
	struct desk_error err;
	size_t n;
	unsigned char *p = small_read(&n);

	for (size_t cut = 0; cut < n; cut += cut < 256 ? 1 : 997)
		ck_fails(open_bytes(p, cut, &err), DESK_E_IO, &err, "is not usable");
	ck_fails(open_bytes(p, n - 1, &err), DESK_E_IO, &err, "cut short");
	free(p);
}
END_TEST

START_TEST(a_flipped_bit_anywhere_is_refused)
{
	struct desk_error err;
	size_t n;
	unsigned char *p = small_read(&n);

	for (size_t at = 0; at < n; at += at < 256 ? 1 : 97) {
		p[at] ^= 0x10;
		ck_fails(open_bytes(p, n, &err), DESK_E_IO, &err, "is not usable");
		p[at] ^= 0x10;
	}
	free(p);
}
END_TEST

static const struct {
	size_t      at;
	const char *bytes, *complaint;
} refused[] = {
	{ 0, "PK\3\4", "not a Frontdesk model" },
	{ 8, "\2", "a version that this program does not know" },
	{ 4096, "damaged", "its checksum is wrong" },
};

START_TEST(a_refusal_says_why)
{
	struct desk_error err;
	size_t n;
	unsigned char *p = small_read(&n);

	memcpy(p + refused[_i].at, refused[_i].bytes, strlen(refused[_i].bytes));
	ck_fails(open_bytes(p, n, &err), DESK_E_IO, &err, refused[_i].complaint);
	free(p);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
	struct desk_embed_options o = { .model_path = "/nowhere/model.desk" };
	struct desk_embedder *e;
	struct desk_error err = { 0 };

	ck_fails(desk_embedder_open(&o, &e, &err), DESK_E_IO, &err, "\"/nowhere/model.desk\"");
	ck_assert_ptr_null(e);
}
END_TEST

START_TEST(a_folder_is_no_model)
{
	struct desk_embed_options o = { .model_path = "/tmp" };
	struct desk_embedder *e;
	struct desk_error err = { 0 };

	ck_fails(desk_embedder_open(&o, &e, &err), DESK_E_IO, &err, "not a Frontdesk model");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("embed_model");
	TCase *t = tcase_create("embed_model");

	tcase_add_test(t, a_whole_file_opens);
	tcase_add_test(t, a_file_cut_anywhere_is_refused);
	tcase_add_test(t, a_flipped_bit_anywhere_is_refused);
	tcase_add_loop_test(t, a_refusal_says_why, 0, DESK_ARRAY_LEN(refused));
	tcase_add_test(t, a_missing_file_is_named);
	tcase_add_test(t, a_folder_is_no_model);
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
