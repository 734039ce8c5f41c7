/* lib/chat/phrases.c - what is said in fixed words, by language. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chat/chat_int.h"

#include <string.h>

/* The first row is also for languages that have none. */
static const struct {
	const char *lang, *dont_know, *person;
} phrases[] = {
	{ "en", "I'm sorry, I can't find an answer to that in the documents I have. Could you put it another way, or would "
		"you like a person to help you?",
	  "You would like to talk to a person. I have marked this conversation for a colleague." },
	{ "de", "Es tut mir leid, in den mir vorliegenden Dokumenten finde ich darauf keine Antwort. Können Sie die Frage "
		"anders stellen, oder soll Ihnen ein Mensch weiterhelfen?",
	  "Sie möchten mit einem Menschen sprechen. Ich habe dieses Gespräch für eine Kollegin oder einen Kollegen "
	  "vorgemerkt." },
	{ "es", "Lo siento, no encuentro una respuesta a eso en los documentos que tengo. ¿Puede preguntarlo de otra "
		"manera, o prefiere que le ayude una persona?",
	  "Quiere hablar con una persona. He marcado esta conversación para un compañero." },
	{ "fr", "Je suis désolé, je ne trouve pas de réponse à cette question dans les documents dont je dispose. "
		"Pouvez-vous la formuler autrement, ou préférez-vous être aidé par une personne ?",
	  "Vous souhaitez parler à une personne. J'ai signalé cette conversation à un collègue." },
	{ "ru", "К сожалению, в имеющихся у меня документах я не нахожу ответа на этот вопрос. Можете задать его иначе, "
		"или вам нужна помощь человека?",
	  "Вы хотите поговорить с человеком. Я отметил этот разговор для коллеги." },
	{ "zh", "抱歉，我在现有的文件中找不到答案。您可以换一种方式提问，或者需要人工协助吗？",
	  "您希望与人工客服交流。我已将此对话标记给同事。" },
	{ "ar", "عذرًا، لا أجد إجابة عن ذلك في المستندات المتوفرة لدي. هل يمكنك صياغة السؤال بطريقة أخرى، أم تفضل أن يساعدك شخص؟",
	  "تود التحدث إلى شخص. لقد حددت هذه المحادثة لأحد الزملاء." },
};

const char *chat_phrase(enum chat_phrase which, const char *lang)
{
	size_t row = 0;

	for (size_t i = 0; i < DESK_ARRAY_LEN(phrases); i++)
		if (strcmp(phrases[i].lang, lang) == 0)
			row = i;
	return which == CHAT_PERSON ? phrases[row].person : phrases[row].dont_know;
}
