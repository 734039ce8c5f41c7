/* lib/retrieval/detect.c - the language of a document and of a question. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Three witnesses, the surest first: the script, where it has one language; the share of words that
 * are a language's stop words; libexttextcat's fingerprints, for texts that are long enough.
 */
#include "retrieval/retrieval_int.h"

#include <libexttextcat/textcat.h>
#include <string.h>
#include <unicode/uscript.h>

#define DETECT_SAMPLE 4000	/* bytes of a text that are looked at */
#define DETECT_TEXTCAT_MIN 40	/* letters; below, fingerprints guess */
#define DETECT_STOPS_SURE 0.10	/* share of stop words that a running text has at least */
#define DETECT_STOPS_AHEAD 1.25	/* times the second best */
#define DETECT_STOPS_ANY 0.01	/* for a question, or where nothing else says anything */
#define DETECT_SLOTS 1024

/* Languages that may be told by script or fingerprints beside those of the table. */
static const char detect_known[] = "af be bg bn bs et fa gl gu he hr is ja ka km kn ko lo lv mk ml mr ms "
				   "my pa sk sl sq sw te th tl ur uk vi zh ";

static const struct {
	UScriptCode script;
	const char *code;	/* the language that nearly all its texts are in; NULL: several */
} detect_scripts[] = {
	{ USCRIPT_LATIN, NULL },     { USCRIPT_CYRILLIC, NULL }, { USCRIPT_ARABIC, NULL },
	{ USCRIPT_DEVANAGARI, NULL }, { USCRIPT_HEBREW, NULL },  { USCRIPT_HAN, "zh" },
	{ USCRIPT_HIRAGANA, "ja" },  { USCRIPT_KATAKANA, "ja" }, { USCRIPT_HANGUL, "ko" },
	{ USCRIPT_THAI, "th" },      { USCRIPT_LAO, "lo" },      { USCRIPT_KHMER, "km" },
	{ USCRIPT_MYANMAR, "my" },   { USCRIPT_GREEK, "el" },    { USCRIPT_ARMENIAN, "hy" },
	{ USCRIPT_GEORGIAN, "ka" },  { USCRIPT_TAMIL, "ta" },    { USCRIPT_TELUGU, "te" },
	{ USCRIPT_KANNADA, "kn" },   { USCRIPT_MALAYALAM, "ml" }, { USCRIPT_BENGALI, "bn" },
	{ USCRIPT_GUJARATI, "gu" },  { USCRIPT_GURMUKHI, "pa" },
};
#define DETECT_SCRIPTS DESK_ARRAY_LEN(detect_scripts)

static const struct {
	const char *code;
	UScriptCode script;
} detect_not_latin[] = {
	{ "ru", USCRIPT_CYRILLIC }, { "uk", USCRIPT_CYRILLIC }, { "be", USCRIPT_CYRILLIC },
	{ "bg", USCRIPT_CYRILLIC }, { "mk", USCRIPT_CYRILLIC }, { "sr", USCRIPT_CYRILLIC },
	{ "ar", USCRIPT_ARABIC },   { "fa", USCRIPT_ARABIC },   { "ur", USCRIPT_ARABIC },
	{ "hi", USCRIPT_DEVANAGARI }, { "ne", USCRIPT_DEVANAGARI }, { "mr", USCRIPT_DEVANAGARI },
	{ "he", USCRIPT_HEBREW },   { "yi", USCRIPT_HEBREW },
};

bool language_list_has(const struct language_list *l, const char *code)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->at[i], code) == 0)
			return true;
	}
	return false;
}

void language_list_add(struct language_list *l, const char *code)
{
	if (code == NULL || code[0] == '\0' || l->n == LANGUAGES_AMONG_MAX || language_list_has(l, code))
		return;
	desk_copy(l->at[l->n++], sizeof(l->at[0]), code);
}

/* ---- witness one: the script ------------------------------------------------ */

struct detect_script {
	size_t      letters;
	UScriptCode script;	/* the commonest; USCRIPT_COMMON without letters */
	const char *code;	/* its language, NULL where it has several */
};

static struct detect_script detect_script(struct desk_str text)
{
	size_t count[DETECT_SCRIPTS] = { 0 }, letters = 0, best = 0;
	struct detect_script out = { 0, USCRIPT_COMMON, NULL };

	for (size_t i = 0; i < text.n;) {
		UErrorCode code = U_ZERO_ERROR;
		uint32_t c;
		size_t len = desk_utf8_decode(text.p + i, text.n - i, &c);
		UScriptCode script;

		i += len > 0 ? len : 1;
		if (len == 0)
			continue;
		script = uscript_getScript((UChar32)c, &code);
		for (size_t k = 0; k < DETECT_SCRIPTS; k++) {
			if (detect_scripts[k].script == script) {
				count[k]++;
				letters++;
				break;
			}
		}
	}
	for (size_t k = 1; k < DETECT_SCRIPTS; k++) {
		if (count[k] > count[best])
			best = k;
	}
	out.letters = letters;
	if (letters == 0)
		return out;
	out.script = detect_scripts[best].script;
	out.code = detect_scripts[best].code;
	/* Japanese has more Han than kana at times; Chinese has no kana at all */
	if (out.script == USCRIPT_HAN && (count[6] + count[7]) * 20 > count[5])
		out.code = "ja";
	return out;
}

static UScriptCode detect_script_of(const char *code)
{
	for (size_t i = 0; i < DESK_ARRAY_LEN(detect_not_latin); i++) {
		if (strcmp(detect_not_latin[i].code, code) == 0)
			return detect_not_latin[i].script;
	}
	for (size_t i = 0; i < DETECT_SCRIPTS; i++) {
		if (detect_scripts[i].code != NULL && strcmp(detect_scripts[i].code, code) == 0)
			return detect_scripts[i].script;
	}
	return USCRIPT_LATIN;
}

/* ---- witness two: stop words ------------------------------------------------- */

/* How often each stop word comes counts up to a few times: names repeat ("Los Angeles ..."). */
static double detect_hits(const struct word_set *stops, const struct segmented *seg)
{
	unsigned char seen[DETECT_SLOTS] = { 0 };
	size_t most = 2 + seg->n / 60, hits = 0;

	for (size_t k = 0; k < seg->n; k++) {
		struct desk_str w = { seg->bytes + seg->at[k].at, seg->at[k].n };
		unsigned char *count = &seen[retrieval_hash(w.p, w.n) % DETECT_SLOTS];

		if (*count >= most || !word_set_has(stops, w))
			continue;
		++*count;
		hits++;
	}
	return (double)hits;
}

/* The language whose stop words are most of the words; "" where none is ahead. */
static void detect_stops(struct desk_retrieval *r, struct desk_str text, const struct language_list *among,
			 double sure, char out[DESK_LANGUAGE_LEN + 1])
{
	struct analyzer *a = analyzer_take(r);
	double best = 0, second = 0;

	out[0] = '\0';
	segment_text(&a->seg, text);
	for (size_t i = 0; i < retrieval_languages_count; i++) {
		const char *code = retrieval_languages[i].code;
		double hits;

		if (r->stops[i].n == 0 || (among->n > 0 && !language_list_has(among, code)))
			continue;
		hits = detect_hits(&r->stops[i], &a->seg);
		if (hits > best) {
			second = best;
			best = hits;
			desk_copy(out, DESK_LANGUAGE_LEN + 1, code);
		} else if (hits > second) {
			second = hits;
		}
	}
	if (a->seg.n == 0 || best / (double)a->seg.n < sure || best < second * DETECT_STOPS_AHEAD)
		out[0] = '\0';
	analyzer_give(r, a);
}

/* ---- witness three: fingerprints --------------------------------------------- */

/* "en--utf8" -> "en"; "" for a language that nobody here knows. */
static void detect_name(const char *name, char out[DESK_LANGUAGE_LEN + 1])
{
	char spaced[4];

	out[0] = '\0';
	if (strlen(name) < 3 || name[2] != '-')
		return;
	desk_copy(out, 3, name);
	if (strcmp(out, "nb") == 0 || strcmp(out, "nn") == 0)
		desk_copy(out, 3, "no");
	if (strcmp(out, "sh") == 0)
		desk_copy(out, 3, "hr");
	memcpy(spaced, out, 2);
	spaced[2] = ' ';
	spaced[3] = '\0';
	if (retrieval_language_find(out) < 0 && strstr(detect_known, spaced) == NULL)
		out[0] = '\0';
}

static void detect_fingerprint(struct desk_retrieval *r, struct desk_str text, UScriptCode script,
			       const struct language_list *among, char out[DESK_LANGUAGE_LEN + 1])
{
	candidate_t *found;
	int n, best = 0;

	out[0] = '\0';
	pthread_mutex_lock(&r->textcat_lock);
	if (r->textcat == NULL) {
		r->textcat = special_textcat_Init(r->fingerprints_list, r->fingerprints);
		if (r->textcat != NULL)
			textcat_SetProperty(r->textcat, TCPROP_MINIMUM_DOCUMENT_SIZE, 20);
	}
	found = r->textcat != NULL ? textcat_GetClassifyFullOutput(r->textcat) : NULL;
	n = found != NULL ? textcat_ClassifyFull(r->textcat, text.p, text.n, found) : 0;
	for (int i = 0; i < n; i++) {
		char code[DESK_LANGUAGE_LEN + 1];

		detect_name(found[i].name, code);
		if (code[0] == '\0' || detect_script_of(code) != script ||
		    (among->n > 0 && !language_list_has(among, code)))
			continue;
		if (out[0] == '\0' || found[i].score < best) {
			best = found[i].score;
			desk_copy(out, DESK_LANGUAGE_LEN + 1, code);
		}
	}
	if (found != NULL)
		textcat_ReleaseClassifyFullOutput(r->textcat, found);
	pthread_mutex_unlock(&r->textcat_lock);
}

/* ---- verdicts ------------------------------------------------------------------ */

static struct desk_str detect_sample(struct desk_str text)
{
	if (text.n > DETECT_SAMPLE) {
		text.n = DETECT_SAMPLE;
		while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
			text.n--;
	}
	return text;
}

/* Those of the list that are written in this script. */
static struct language_list detect_among(const struct language_list *among, UScriptCode script)
{
	struct language_list out = { .n = 0 };

	for (size_t i = 0; i < among->n; i++) {
		if (detect_script_of(among->at[i]) == script)
			language_list_add(&out, among->at[i]);
	}
	return out;
}

/* In a script that several languages share: out is "" to begin with. */
static void detect_text(struct desk_retrieval *r, struct desk_str sample, struct detect_script script,
			const struct language_list *all, char out[DESK_LANGUAGE_LEN + 1])
{
	struct language_list here = detect_among(all, script.script);

	if (all->n > 0 && here.n < 2) {
		desk_copy(out, DESK_LANGUAGE_LEN + 1, here.n == 1 ? here.at[0] : "");
		return;
	}
	if (script.script == USCRIPT_LATIN || here.n > 0)
		detect_stops(r, sample, &here, DETECT_STOPS_SURE, out);
	if (out[0] == '\0' && script.letters >= DETECT_TEXTCAT_MIN)
		detect_fingerprint(r, sample, script.script, &here, out);
	if (out[0] == '\0' && script.script == USCRIPT_LATIN)
		detect_stops(r, sample, &here, DETECT_STOPS_ANY, out);
	if (out[0] == '\0' && here.n > 0)
		desk_copy(out, DESK_LANGUAGE_LEN + 1, here.at[0]);
}

void desk_language_detect(struct desk_retrieval *r, struct desk_str text, const char *const *among,
			  char out[DESK_LANGUAGE_LEN + 1])
{
	struct desk_str sample = detect_sample(text);
	struct detect_script script = detect_script(sample);
	struct language_list all = { .n = 0 };

	out[0] = '\0';
	while (among != NULL && *among != NULL)
		language_list_add(&all, *among++);
	if (script.letters == 0)
		return;
	if (script.code == NULL)
		detect_text(r, sample, script, &all, out);
	else if (all.n == 0 || language_list_has(&all, script.code))
		desk_copy(out, DESK_LANGUAGE_LEN + 1, script.code);
}

/*
 * The script first: a question in a script that none of the tenant's languages has is in a language
 * of that script. Else one of the tenant's: by its stop words, however few; the main one in doubt.
 */
void detect_question(struct desk_retrieval *r, struct desk_str text, const struct language_list *among,
		     char out[DESK_LANGUAGE_LEN + 1])
{
	struct desk_str sample = detect_sample(text);
	struct detect_script script = detect_script(sample);
	struct language_list here = detect_among(among, script.script);

	out[0] = '\0';
	if (script.code != NULL) {
		desk_copy(out, DESK_LANGUAGE_LEN + 1, script.code);
		return;
	}
	if (script.letters == 0 || here.n == 1) {
		desk_copy(out, DESK_LANGUAGE_LEN + 1, here.n == 1 ? here.at[0] : among->n > 0 ? among->at[0] : "");
		return;
	}
	detect_stops(r, sample, &here, DETECT_STOPS_ANY, out);
	if (out[0] == '\0' && script.letters >= DETECT_TEXTCAT_MIN)
		detect_fingerprint(r, sample, script.script, &here, out);
	if (out[0] == '\0' && here.n > 0)
		desk_copy(out, DESK_LANGUAGE_LEN + 1, here.at[0]);
}
