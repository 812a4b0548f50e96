/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notices by osascript(1). The texts are arguments of the script, so that none
 * of them is taken for a part of it. What was shown cannot be taken away.
 */
#include "prompt/notice.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "prompt/program.h"

static char osascript[] = "/usr/bin/osascript", dash_e[] = "-e";
static char script_on[] = "on run argv";
static char script_show[] =
    "display notification (item 2 of argv) with title (item 1 of argv)";
static char script_end[] = "end run";

/* Holds nothing: there is nothing to take away. */
struct notice {
	char nothing;
};

static bool
run_script(struct asking *a, char *title, char *text)
{
	char *const argv[] = {osascript, dash_e, script_on, dash_e,
	    script_show, dash_e, script_end, title, text, NULL};
	CLEANUP(buffer_cleanup)
	struct buffer said = BUFFER_INIT(WIRE_TEXT_MAX_BYTES);
	struct environment_block vars;
	int status;

	environment_pick(a->environment, &vars);
	if (program_run(argv, vars.vars, a->peer, &said, &status) ==
	    PROGRAM_ENDED && status == 0)
		return true;
	source_cannot(a, "osascript shows no notice");
	return false;
}

struct notice *
notice_show(struct asking *a)
{
	CLEANUP(buffer_cleanup)
	struct buffer title = BUFFER_INIT(WIRE_TEXT_MAX_BYTES);
	CLEANUP(buffer_cleanup)
	struct buffer text = BUFFER_INIT(WIRE_TEXT_MAX_BYTES);

	buffer_put(&title, bytes_str("p11-agent: "));
	asking_lines(a->question->title, &title);
	buffer_put_u8(&title, 0);
	asking_lines(a->question->text, &text);
	buffer_put_u8(&text, 0);
	if (title.failed || text.failed) {
		source_cannot(a, "the notice is too long");
		return NULL;
	}
	if (!run_script(a, (char *)title.p, (char *)text.p))
		return NULL;
	return calloc(1, sizeof(struct notice));
}

void
notice_close(struct notice *n)
{
	free(n);
}
