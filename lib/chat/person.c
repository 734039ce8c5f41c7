/* lib/chat/person.c - does the customer ask for a person? */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <ctype.h>
#include <string.h>

/*
 * Asked for in so many words: any of the first, within a few words any of the second; or a phrase as
 * it stands. Words are compared in lower ASCII; other scripts have phrases only.
 */
static const char *const person_verbs[] = {
	"speak", "talk", "chat", "connect", "transfer", "escalate", "get", "want", "need", "give",
	"sprechen", "reden", "verbinden", "hablar", "parler", "contactar", "falar",
};
static const char *const person_people[] = {
	"human", "person", "someone", "somebody", "agent", "representative", "operator", "advisor", "colleague",
	"mitarbeiter", "mitarbeiterin", "menschen", "mensch", "berater", "jemandem", "kundendienst", "kundenberater",
	"persona", "agente", "asesor", "humano", "operador",
	"humain", "conseiller", "personne", "quelqu'un",
};
/* Verbs that alone do not say that one wants to talk: they need one of these beside the person. */
static const char *const person_weak[] = { "get", "want", "need", "give" };
static const char *const person_sure[] = { "human", "representative", "operator", "humano", "humain" };
static const char *const person_phrases[] = {
	"human please", "agent please", "real person", "real human", "live agent", "live person", "human agent",
	"human being", "customer service representative", "not a bot", "not a robot", "echten menschen",
	"persona real", "agente humano", "una persona de verdad", "vraie personne", "agent humain",
	"позовите оператора",
	"с оператором",
	"с человеком",
	"живым человеком",
	"转人工", "人工客服", "真人",
	"التحدث مع شخص",
	"التحدث إلى موظف",
	"التحدث مع موظف",
};

#define PERSON_TEXT_MAX 400	/* whoever asks for a person says so briefly */
#define PERSON_REACH 6	/* words between the verb and the person */

static bool person_in(const char *w, size_t n, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(list[i]) == n && memcmp(list[i], w, n) == 0)
			return true;
	return false;
}

/* Questions about people, not for one: "how do I become an agent", "who is my contact person". */
static bool person_is_about(const char *text)
{
	static const char *const about[] = { "how do i become", "who is ", "what is ", "what does ", "wer ist ", "was ist " };

	for (size_t i = 0; i < DESK_ARRAY_LEN(about); i++)
		if (strncmp(text, about[i], strlen(about[i])) == 0)
			return true;
	return false;
}

static bool person_by_words(const char *text)
{
	static const char edges[] = " \t\r\n.,;:!?\"()";
	bool weak = false;
	int reach = 0;

	for (const char *p = text + strspn(text, edges); *p != '\0'; p += strspn(p, edges)) {
		size_t n = strcspn(p, edges);

		if (reach > 0 && person_in(p, n, person_people, DESK_ARRAY_LEN(person_people)) &&
		    (!weak || person_in(p, n, person_sure, DESK_ARRAY_LEN(person_sure))))
			return true;
		reach -= reach > 0;
		if (person_in(p, n, person_verbs, DESK_ARRAY_LEN(person_verbs))) {
			weak = person_in(p, n, person_weak, DESK_ARRAY_LEN(person_weak));
			reach = PERSON_REACH;
		}
		p += n;
	}
	return false;
}

bool chat_asks_for_person(struct desk_str message)
{
	char text[PERSON_TEXT_MAX + 1];
	size_t n = message.n < PERSON_TEXT_MAX ? message.n : PERSON_TEXT_MAX;

	for (size_t i = 0; i < n; i++)
		text[i] = (char)((unsigned char)message.p[i] < 128 ? tolower((unsigned char)message.p[i]) :
								     message.p[i]);
	text[n] = '\0';
	if (person_is_about(text))
		return false;
	for (size_t i = 0; i < DESK_ARRAY_LEN(person_phrases); i++)
		if (strstr(text, person_phrases[i]) != NULL)
			return true;
	return person_by_words(text);
}
