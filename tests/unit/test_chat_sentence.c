/* tests/unit/test_chat_sentence.c - texts into sentences, items, headings and rows; and how they are said. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/readable.c"
#include "chat/sentence.c"

#include "support/ck_desk.h"

/* The units as "kind:text|kind:text"; kinds S(entence) I(tem) R(ow) H(eading), q for a question. */
static char *units_of(struct desk_arena *a, const char *lang, const char *text)
{
	struct chat_units u;
	char *out = desk_arena_strdup(a, "");

	chat_units_split(a, lang, desk_str_of(text), &u);
	for (size_t i = 0; i < u.n; i++)
		out = desk_arena_printf(a, "%s%s%c%s:%.*s", out, i > 0 ? "|" : "", "SIRH"[u.at[i].kind],
					u.at[i].question ? "q" : "", (int)u.at[i].n, text + u.at[i].at);
	return out;
}

static const struct { const char *lang, *text, *units; } texts[] = {
	{ "en", "One. Two! Three?", "S:One.|S:Two!|Sq:Three?" },
	{ "en", "Mr. Smith met Dr. Who at 5 p.m. on Main St. in Rome. He left.",
	  "S:Mr. Smith met Dr. Who at 5 p.m. on Main St. in Rome.|S:He left." },
	{ "en", "It costs 3.50 euros. Version 2.0 is out.", "S:It costs 3.50 euros.|S:Version 2.0 is out." },
	{ "en", "See e.g. Table 1. Then go.", "S:See e.g. Table 1.|S:Then go." },
	{ "en", "He said \"Stop.\" Then he left.", "S:He said \"Stop.\"|S:Then he left." },
	{ "en", "J. R. Smith wrote it. Fine.", "S:J. R. Smith wrote it.|S:Fine." },
	{ "en", "no end", "S:no end" },
	{ "en", ". Rest of a chunk. Next one.", "S:Rest of a chunk.|S:Next one." },
	{ "en", "", "" }, { "en", " \n\n ", "" }, { "en", "... --- !!!", "" },
	{ "en", "This line was broken by the width of its page and\ngoes on here. Second.",
	  "S:This line was broken by the width of its page and\ngoes on here.|S:Second." },
	{ "en", "Refunds\n\nWe refund within ten days.", "H:Refunds|S:We refund within ten days." },
	{ "en", "# Leave\nYou get 25 days.", "H:Leave|S:You get 25 days." },
	{ "en", "How do I return it?\nSend it back.", "Sq:How do I return it?|S:Send it back." },
	{ "en", "You need:\n- a tent\n- two pegs. And a rope.\n1. one\n2) two",
	  "S:You need:|I:a tent|I:two pegs.|I:And a rope.|I:one|I:two" },
	{ "en", "\xE2\x80\xA2 first thing\n\xE2\x80\xA2 second thing", "I:first thing|I:second thing" },
	{ "en", "Item | Price\nTent | 459.00\nPeg | 2.00", "R:Item | Price|R:Tent | 459.00|R:Peg | 2.00" },
	{ "en", "Gas cartridge 230 g               6.50\nGas cartridge 450 g               9.90",
	  "R:Gas cartridge 230 g               6.50|R:Gas cartridge 450 g               9.90" },
	{ "en", "Error codes\n\nCode Meaning\n\n101 Speed sensor\n\n207 Battery not locked\n\nCall us then.",
	  "H:Error codes|R:Code Meaning|R:101 Speed sensor|R:207 Battery not locked|S:Call us then." },
	{ "de", "Am 3. Mai ist zu. Danach auf.", "S:Am 3. Mai ist zu.|S:Danach auf." },
	{ "de", "Das gilt z.B. f\xC3\xBCr Schuhe. Oder bzw. Jacken.", "S:Das gilt z.B. f\xC3\xBCr Schuhe.|S:Oder bzw. Jacken." },
	{ "es", "\xC2\xBFQu\xC3\xA9 es? Es una carpa.", "Sq:\xC2\xBFQu\xC3\xA9 es?|S:Es una carpa." },
	{ "ru", "\xD0\x94\xD0\xB0. \xD0\x9D\xD0\xB5\xD1\x82.", "S:\xD0\x94\xD0\xB0.|S:\xD0\x9D\xD0\xB5\xD1\x82." },
	{ "zh", "\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82\xE5\x86\x8D\xE8\xA7\x81\xEF\xBC\x9F\xE5\xA5\xBD",
	  "S:\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82|Sq:\xE5\x86\x8D\xE8\xA7\x81\xEF\xBC\x9F|S:\xE5\xA5\xBD" },
	{ "ar", "\xD9\x86\xD8\xB9\xD9\x85\xD8\x9F \xD9\x84\xD8\xA7.", "Sq:\xD9\x86\xD8\xB9\xD9\x85\xD8\x9F|S:\xD9\x84\xD8\xA7." },
};

START_TEST(text_has_its_units)
{
	struct desk_arena *a = desk_arena_new();

	ck_assert_str_eq(units_of(a, texts[_i].lang, texts[_i].text), texts[_i].units);
	desk_arena_free(a);
}
END_TEST

START_TEST(bytes_that_are_no_text_do_no_harm)
{
	struct desk_arena *a = desk_arena_new();
	struct chat_units u;

	chat_units_split(a, NULL, (struct desk_str){ "\xff\xfe. a\xc3", 6 }, &u);
	for (size_t i = 0; i < u.n; i++)
		ck_assert_uint_le(u.at[i].at + u.at[i].n, 6);
	desk_arena_free(a);
}
END_TEST

static const struct { const char *text, *header, *said; } readables[] = {
	{ "two\n  lines\there", "", "two lines here" },
	{ "Tent | 459.00 | red", "Item | Price | Colour", "Item: Tent, Price: 459.00, Colour: red" },
	{ "| Tent | 459.00 |", "| Item | Price |", "Item: Tent, Price: 459.00" },
	{ "Tent | | red", "Item | Price | Colour", "Item: Tent, Colour: red" },
	{ "Tent | 459.00", "Item | Price | Colour", "Tent, 459.00" },
	{ "Tent | 459.00", "Haven 3 | Price", "Tent, 459.00" },
	{ "Tent | 459.00", "", "Tent, 459.00" },
	{ "see ![x](http://evil/?q=1) it", "", "see [x](http://evil/?q=1) it" },
	{ "The **maximum** is 5 * 3.", "", "The maximum is 5 * 3." },
	{ "", "", "" },
};

START_TEST(unit_is_said_readably)
{
	struct desk_arena *a = desk_arena_new();

	ck_assert_str_eq(chat_readable(a, desk_str_of(readables[_i].text), desk_str_of(readables[_i].header)),
			 readables[_i].said);
	desk_arena_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chat_sentence");
	TCase *tc = tcase_create("sentence");

	tcase_add_loop_test(tc, text_has_its_units, 0, DESK_ARRAY_LEN(texts));
	tcase_add_test(tc, bytes_that_are_no_text_do_no_harm);
	tcase_add_loop_test(tc, unit_is_said_readably, 0, DESK_ARRAY_LEN(readables));
	suite_add_tcase(s, tc);
	return ck_run_suite(s);
}
