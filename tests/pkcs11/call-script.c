/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripted calls of the modules for tests. */
#include "tests/pkcs11/call-script.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11/error.h"

enum {
	NAMED_RV_MAX = 0x400,
	GATE_LOOK_NS = 2 * 1000 * 1000,
	FDS_MAX = 64,
};

/* By number, or by name. */
static CK_RV
rv_read(const char *text)
{
	char name[P11_RV_NAME_BYTES];

	for (CK_RV rv = 0; rv < NAMED_RV_MAX; rv++)
		if (strcmp(p11_rv_name(rv, name), text) == 0)
			return rv;
	return strtoul(text, NULL, 0);
}

static unsigned long
number_read(const char *text)
{
	return strcmp(text, "always") == 0 ? ULONG_MAX : strtoul(text, NULL, 0);
}

static void
call_set(struct scripted_call *c, const char *key, const char *value)
{
	if (strcmp(key, "rv") == 0)
		c->rv = rv_read(value);
	else if (strcmp(key, "skip") == 0)
		c->skip = number_read(value);
	else if (strcmp(key, "times") == 0)
		c->times = number_read(value);
	else if (strcmp(key, "ms") == 0)
		c->ms = number_read(value);
	else if (strcmp(key, "gate") == 0)
		snprintf(c->gate, sizeof(c->gate), "%s", value);
	else if (strcmp(key, "crash") == 0)
		c->crash = number_read(value) != 0;
	else if (strcmp(key, "hang") == 0)
		c->hang = number_read(value) != 0;
	else if (strcmp(key, "stray") == 0)
		c->stray = number_read(value) != 0;
	else if (strcmp(key, "child") == 0)
		c->child = number_read(value) != 0;
	else if (strcmp(key, "after") == 0)
		c->after = number_read(value) != 0;
	else if (strcmp(key, "wrong") == 0)
		c->wrong = number_read(value) != 0;
	else if (strcmp(key, "keep") == 0)
		c->keep = number_read(value) != 0;
	if (strcmp(key, "of") != 0)
		return;
	c->of = number_read(value);
	c->any_detail = false;
}

void
call_script_add(struct call_script *s, char **save)
{
	struct scripted_call *c = &s->calls[s->n];
	char *word = strtok_r(NULL, " \n", save);

	if (word == NULL || s->n == CALL_SCRIPT_MAX)
		return;
	*c = (struct scripted_call){.times = 1, .any_detail = true};
	snprintf(c->name, sizeof(c->name), "%s", word);
	while ((word = strtok_r(NULL, " \n", save)) != NULL) {
		char *value = strchr(word, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		call_set(c, word, value);
	}
	s->n++;
}

bool
call_script_next(struct call_script *s, const char *name,
    unsigned long detail, struct scripted_call *ret)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct scripted_call *c = &s->calls[i];
		unsigned met;

		if ((strcmp(c->name, "*") != 0 && strcmp(c->name, name) != 0) ||
		    (!c->any_detail && c->of != detail))
			continue;
		met = __atomic_fetch_add(&s->met[i], 1, __ATOMIC_SEQ_CST);
		if (met < c->skip || met - c->skip >= c->times)
			continue;
		*ret = *c;
		return true;
	}
	return false;
}

static _Noreturn void
wait_for_the_end(void)
{
	for (;;)
		pause();
}

/* As modules do that start servers, and as daemons are made. */
static void
stray(void)
{
	pid_t leader = fork(), between;

	if (leader == 0)
		wait_for_the_end();
	setpgid(leader, leader);
	setpgid(0, leader);
	between = fork();
	if (between == 0) {
		setsid();
		if (fork() == 0)
			wait_for_the_end();
		_exit(0);
	}
	waitpid(between, NULL, 0);
}

/* As a module does that works by a command. */
static void
child(void)
{
	const char *log = getenv("P11_FAKE_LOG");
	char path[512];

	if (log == NULL || fork() != 0)
		return;
	for (int fd = 0; fd < FDS_MAX; fd++)
		close(fd);
	snprintf(path, sizeof(path), "%s.child", log);
	if (open(path, O_WRONLY) != 0 || write(0, "x", 1) != 1)
		_exit(1);
	wait_for_the_end();
}

void
scripted_call_run(const struct scripted_call *c)
{
	const struct timespec wait = {
		.tv_sec = (time_t)(c->ms / 1000),
		.tv_nsec = (long)(c->ms % 1000) * 1000000,
	};
	const struct timespec look = {.tv_nsec = GATE_LOOK_NS};

	nanosleep(&wait, NULL);
	while (c->gate[0] != '\0' && access(c->gate, F_OK) == 0)
		nanosleep(&look, NULL);
	if (c->stray)
		stray();
	if (c->child)
		child();
	/* No report of a sanitizer, and no core. */
	if (c->crash)
		kill(getpid(), SIGKILL);
	if (c->hang)
		wait_for_the_end();
}
