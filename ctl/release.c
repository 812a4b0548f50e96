/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agentctl release: tokens are let go of, for other programs. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ctl/client.h"
#include "ctl/show.h"

/* False when there was nothing to be let go of. */
static bool
show_token(const json_t *token, FILE *out)
{
	CLEANUP(cleanup_free) char *name = show_text(token, "name");
	CLEANUP(cleanup_free) char *result = show_text(token, "result");

	if (name == NULL || result == NULL || strcmp(result, "not held") == 0)
		return false;
	fprintf(out, "%s: %s%s\n", name, result,
	    strcmp(result, "in use") == 0 ?
	    "; it is released as soon as that is done" : "");
	return true;
}

void
show_released(const json_t *document, FILE *out)
{
	const json_t *tokens = json_object_get(document, "tokens");
	size_t shown = 0;

	for (size_t i = 0; i < json_array_size(tokens); i++)
		shown += show_token(json_array_get(tokens, i), out);
	if (shown == 0)
		fputs("there was nothing to release: no process serves a "
		      "token\n", out);
}

enum ctl_exit
ctl_release(const struct ctl *c)
{
	return client_show(c, show_released);
}
