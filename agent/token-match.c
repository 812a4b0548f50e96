/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens that come again. */
#include "agent/token-match.h"

#include "agent/provider.h"

static bool
shares_a_key(const struct token *t, const struct wire_token *found)
{
	struct wire_token w = *found;
	struct wire_key k;

	while (wire_key_next(&w, &k))
		if (token_key(t, k.ref) != NULL)
			return true;
	return false;
}

static bool
shows_keys(const struct token *t)
{
	for (size_t i = 0; i < t->n_keys; i++)
		if (t->keys[i].seen_before_login)
			return true;
	return false;
}

/* How likely it is the same; 0: it is not. */
static int
match_rank(const struct token *t, const struct wire_token *w)
{
	bool slot = bytes_equal(t->id.slot_description,
	    w->id.slot_description);
	bool place = t->place.at == w->place.at && t->place.of == w->place.of;
	bool shares;

	/* A present token is where it is; away, it may come elsewhere. */
	if (t->scanned || !token_id_same(&t->id, &w->id) ||
	    (t->present && !slot))
		return 0;
	shares = shares_a_key(t, w);
	/* With other keys in another place: another one that looks like it. */
	if (t->present && !shares && !place && t->place.of != 0 &&
	    w->n_keys > 0 && shows_keys(t))
		return 0;
	return 1 + 4 * shares + 2 * slot + place;
}

struct token *
token_match(const struct provider *provider, const struct wire_token *found)
{
	struct token *t, *best = NULL;
	int rank, best_rank = 0;

	TAILQ_FOREACH(t, &provider->agent->tokens, entry) {
		if (t->provider != provider)
			continue;
		rank = match_rank(t, found);
		if (rank > best_rank) {
			best = t;
			best_rank = rank;
		}
	}
	return best;
}
