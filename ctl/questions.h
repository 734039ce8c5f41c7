/* ctl/questions.h - many questions of a file, ranked one after the other: for runs and evaluations. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CTL_QUESTIONS_H
#define CTL_QUESTIONS_H

#include "chat/services.h"
#include "ctl.h"

struct ctl_question {
	const char     *id;
	struct desk_str text;
	char            language[DESK_LANGUAGE_LEN + 1];
	const float    *vector;	/* NULL: the model does not speak its language */
};
struct ctl_questions {
	struct ctl_question *at;	/* arena */
	size_t               n;
};
/* {"_id", "text"} a line. DESK_E_INPUT with the line's number. */
DESK_MUST_CHECK enum desk_status ctl_questions_load(struct ctl *c, const char *path, struct ctl_questions *out);

/* How --fusion and --weight-dense change the tenant's settings; NULL when neither is given. */
DESK_MUST_CHECK enum desk_status ctl_fusion(struct ctl *c, struct desk_fusion_options *room,
					    const struct desk_fusion_options **out);

struct ctl_rank_options {
	int                               top_k;
	bool                              internal;
	const struct desk_fusion_options *fusion;
	enum desk_status (*each)(void *arg, const struct ctl_question *q, const struct desk_ranked_documents *docs);
	void *arg;
};
/* Languages and vectors in batches, then each question's documents; memory of one question at a time. */
DESK_MUST_CHECK enum desk_status ctl_questions_rank(struct ctl *c, struct ctl_questions *qs,
						    const struct ctl_rank_options *o);

#endif
