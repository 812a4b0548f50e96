/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder with one shell script in it, for a test to run. */
#ifndef P11_AGENT_TESTS_PROMPT_SCRIPT_H
#define P11_AGENT_TESTS_PROMPT_SCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cmocka-all.h"

struct script {
	char folder[64];
	char path[96];
};

/* Write an executable file called "ask" with this content. */
static struct script
script_new(const char *content)
{
	struct script s = {.folder = "/tmp/p11-agent-test-XXXXXX"};
	FILE *f;

	assert_non_null(mkdtemp(s.folder));
	snprintf(s.path, sizeof(s.path), "%s/ask", s.folder);
	assert_non_null(f = fopen(s.path, "w"));
	assert_true(fputs(content, f) >= 0);
	assert_int_equal(fchmod(fileno(f), 0700), 0);
	assert_int_equal(fclose(f), 0);
	return s;
}

static void
script_remove(const struct script *s)
{
	unlink(s->path);
	assert_int_equal(rmdir(s->folder), 0);
}

#endif
