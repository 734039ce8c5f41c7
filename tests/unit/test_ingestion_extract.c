/* tests/unit/test_ingestion_extract.c - claims about the small parts of the extractors. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/ck_desk.h"

#include <sys/mman.h>
#include <unistd.h>

#include "ingestion/child/mime.h"

static const struct {
	const char *raw, *code;
	int         id;
	bool        date1904;
	const char *seen;
} numbers[] = {
	{ "19.9", "", 0, false, "19.9" },
	{ "0.30000000000000004", "", 0, false, "0.3" },
	{ "1234567890123", "", 0, false, "1234567890123" },
	{ "0.05", "", 9, false, "5%" },
	{ "0.125", "0.0%", 164, false, "12.5%" },
	{ "43831", "", 14, false, "2020-01-01" },
	{ "61", "", 14, false, "1900-03-01" },
	{ "59", "", 14, false, "1900-02-28" },	/* 60 is a day that never was */
	{ "1", "", 14, false, "1900-01-01" },
	{ "42369", "", 14, true, "2020-01-01" },
	{ "43831.75", "", 22, false, "2020-01-01 18:00" },
	{ "43831", "dd\\.mm\\.yyyy", 170, false, "2020-01-01" },
	{ "0.5", "hh:mm", 171, false, "12:00" },
	{ "3", "0 \"days\"", 172, false, "3" },	/* letters in quotes are no date */
	{ "5", "[Red]0.00", 173, false, "5" },
	{ "text", "", 14, false, "text" },
	{ "-1", "", 14, false, "-1" },
};

START_TEST(a_cell_is_shown_as_a_person_sees_it)
{
	struct desk_buf b;

	desk_buf_init(&b, 100);
	extract_xlsx_number(desk_str_of(numbers[_i].raw), numbers[_i].id, numbers[_i].code,
			    numbers[_i].date1904, &b);
	ck_assert_str_eq(b.p, numbers[_i].seen);
	desk_buf_done(&b);
}
END_TEST

static const struct {
	const char *value, *text;
} words[] = {
	{ "plain", "plain" },
	{ "=?utf-8?B?SsO2cmc=?=", "J\xC3\xB6rg" },
	{ "a =?iso-8859-1?Q?Gr=FC=DFe_x?= b", "a Gr\xC3\xBC\xC3\x9F" "e x b" },
	{ "=?utf-8?q?a?=  =?utf-8?q?b?=", "ab" },	/* space between encoded words is none */
	{ "=?utf-8*de?q?a?=", "a" },
	{ "=?broken", "=?broken" },
	{ "=?x?q?", "=?x?q?" },
	{ "caf\xE9", "caf\xC3\xA9" },
};

START_TEST(encoded_words_are_read)
{
	struct desk_buf b;

	desk_buf_init(&b, 1000);
	mime_header_text(desk_str_of(words[_i].value), &b);
	ck_assert_str_eq(b.p, words[_i].text);
	desk_buf_done(&b);
}
END_TEST

static const struct {
	const char *header, *name, *value;
} params[] = {
	{ "text/plain; charset=utf-8", "charset", "utf-8" },
	{ "text/plain;\r\n\tcharset=\"koi8-r\"; x=y", "charset", "koi8-r" },
	{ "a; xcharset=1; charset=2", "charset", "2" },
	{ "a; filename*=utf-8''a%20b%C3%BC", "filename", "a b\xC3\xBC" },
	{ "a; filename*0=part.pdf", "filename", "part.pdf" },
	{ "a; charset", "charset", "" },
	{ "charset=none", "charset", "" },	/* the value itself is no parameter */
};

START_TEST(parameters_are_found)
{
	struct desk_buf b;

	desk_buf_init(&b, 1000);
	mime_param(desk_str_of(params[_i].header), params[_i].name, &b);
	ck_assert_str_eq(b.p != NULL ? b.p : "", params[_i].value);
	desk_buf_done(&b);
}
END_TEST

static const struct {
	const char *base, *href, *member;
} paths[] = {
	{ "", "word/document.xml", "word/document.xml" },
	{ "word/document.xml", "styles.xml", "word/styles.xml" },
	{ "ppt/slides/slide1.xml", "../notesSlides/n.xml", "ppt/notesSlides/n.xml" },
	{ "ppt/presentation.xml", "/ppt/slides/s.xml", "ppt/slides/s.xml" },
	{ "a/b.xml", "../../../../etc/passwd", "etc/passwd" },
	{ "a/b.xml", "./c//d.xml", "a/c/d.xml" },
};

START_TEST(members_are_resolved_inside_the_package)
{
	char out[256];

	extract_resolve(paths[_i].base, desk_str_of(paths[_i].href), out);
	ck_assert_str_eq(out, paths[_i].member);
}
END_TEST

static bool keep(void *arg, enum frame_type type, uint32_t page, struct desk_str body)
{
	(void)page;
	if (type == FRAME_TEXT)
		desk_buf_add(arg, body.p, body.n);
	return true;
}

static const struct {
	const char *in, *out;
} texts[] = {
	{ "a\r\nb\rc\n", "a\nb\nc" },
	{ "\n\n a \n\n\n\nb", "a\n\nb" },
	{ "co\xC2\xADop \xEF\xAC\x81ne", "coop fine" },
	{ "a\xC2\xA0" "b\xE2\x80\x8B" "c\xEF\xBB\xBF", "a bc" },
	{ "x\xC2\xB2 \xC2\xBD", "x\xC2\xB2 \xC2\xBD" },	/* not rewritten */
	{ "\xEF\x82\xB7 item", "\xE2\x80\xA2 item" },
	{ "bad\xFF\xC3", "bad\xEF\xBF\xBD\xEF\xBF\xBD" },
	{ "\xEF\xBB\xB5", "\xD9\x84\xD8\xA2" },	/* an Arabic ligature, as typed */
	{ "a\x01\x02\x7F" "b", "ab" },
};

START_TEST(text_is_cleaned_but_not_rewritten)
{
	struct extract_out o;
	struct desk_buf b;

	desk_buf_init(&b, 1000);
	extract_out_init(&o, keep, &b, 1000);
	extract_text(&o, texts[_i].in, strlen(texts[_i].in));
	extract_flush(&o);
	ck_assert_str_eq(b.p, texts[_i].out);
	extract_out_done(&o);
	desk_buf_done(&b);
}
END_TEST

START_TEST(cells_are_parted_and_empty_ones_keep_their_place)
{
	struct extract_out o;
	struct desk_buf b;

	desk_buf_init(&b, 1000);
	extract_out_init(&o, keep, &b, 1000);
	for (int row = 0; row < 2; row++) {
		extract_cell(&o);
		if (row == 0)
			extract_text(&o, "a", 1);
		extract_cell(&o);
		extract_cell(&o);
		extract_text(&o, "c", 1);
		extract_cell(&o);
		extract_line(&o);
	}
	extract_flush(&o);
	ck_assert_str_eq(b.p, "a | | c\n| | c");
	extract_out_done(&o);
	desk_buf_done(&b);
}
END_TEST

START_TEST(a_document_is_refused_past_its_limit_of_text)
{
	struct extract_out o;
	struct desk_buf b;

	desk_buf_init(&b, 1000);
	extract_out_init(&o, keep, &b, 10);
	extract_text(&o, "more than ten bytes", 19);
	extract_flush(&o);
	ck_assert(extract_stopped(&o));
	ck_assert_uint_eq(b.n, 0);
	extract_out_done(&o);
	desk_buf_done(&b);
}
END_TEST

static const struct {
	const char *name, *bytes, *format;	/* NULL: refused */
} kinds[] = {
	{ "a.txt", "plain text", "text" },
	{ "a", "plain text", "text" },
	{ "a.md", "# Head", "markdown" },
	{ "a.csv", "a,b\n", "csv" },
	{ "a.txt", "%PDF-1.4 x", "pdf" },
	{ "a.txt", "<!-- c --> <!DOCTYPE html><p>", "html" },
	{ "a.html", "<p>no html element</p>", "html" },
	{ "a.txt", "From: a\nSubject: b\n\nx", "eml" },
	{ "a.txt", "Subject: only one header\n\nx", "text" },
	{ "a.docx", "no zip", NULL },
	{ "a.rtf", "{\\rtf1 x}", NULL },
};

START_TEST(content_tells_the_format_before_the_name)
{
	struct extract_doc d;
	struct desk_error err = { 0 };
	const struct extract_format *f;
	int fd = memfd_create("doc", MFD_CLOEXEC);

	ck_assert_int_gt(write(fd, kinds[_i].bytes, strlen(kinds[_i].bytes)), 0);
	ck_ok(extract_doc_open(&d, fd, kinds[_i].name, &err), &err);
	f = extract_format_find(&d, &err);
	ck_assert_int_eq(f == NULL, kinds[_i].format == NULL);
	if (f != NULL)
		ck_assert_str_eq(f->name, kinds[_i].format);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingestion_extract");
	TCase *t = tcase_create("extract");

	tcase_add_loop_test(t, a_cell_is_shown_as_a_person_sees_it, 0, (int)DESK_ARRAY_LEN(numbers));
	tcase_add_loop_test(t, encoded_words_are_read, 0, (int)DESK_ARRAY_LEN(words));
	tcase_add_loop_test(t, parameters_are_found, 0, (int)DESK_ARRAY_LEN(params));
	tcase_add_loop_test(t, members_are_resolved_inside_the_package, 0, (int)DESK_ARRAY_LEN(paths));
	tcase_add_loop_test(t, text_is_cleaned_but_not_rewritten, 0, (int)DESK_ARRAY_LEN(texts));
	tcase_add_test(t, cells_are_parted_and_empty_ones_keep_their_place);
	tcase_add_test(t, a_document_is_refused_past_its_limit_of_text);
	tcase_add_loop_test(t, content_tells_the_format_before_the_name, 0, (int)DESK_ARRAY_LEN(kinds));
	suite_add_tcase(s, t);
	return ck_run_suite(s);
}
