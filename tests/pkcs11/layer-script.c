/* SPDX-License-Identifier: BSD-2-Clause */
/* The layer module's script, its counts and its log. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/pkcs11/layer.h"

void
layer_log(const struct layer *l, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* One write, so that lines of several processes do not mix. */
	if (l->log >= 0 && n > 0 && write(l->log, line, (size_t)n) < 0)
		return;
}

static void
token_set(struct layer_token *t, const char *key, const char *value)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} texts[] = {
		{"label", t->label, sizeof(t->label)},
		{"serial", t->serial, sizeof(t->serial)},
		{"model", t->model, sizeof(t->model)},
		{"manufacturer", t->manufacturer, sizeof(t->manufacturer)},
		{"reader", t->reader, sizeof(t->reader)},
	};
	const struct {
		const char *name;
		unsigned long *to;
	} numbers[] = {
		{"set", &t->set}, {"clear", &t->clear},
		{"slot-set", &t->slot_set}, {"slot-clear", &t->slot_clear},
		{"slot", &t->slot}, {"epoch", &t->epoch}, {"gone", &t->gone},
	};
	unsigned long number = strtoul(value, NULL, 0);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(key, texts[i].name) == 0)
			snprintf(texts[i].to, texts[i].size, "%s", value);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(key, numbers[i].name) == 0)
			*numbers[i].to = number;
	t->has_slot |= strcmp(key, "slot") == 0;
	if (strcmp(key, "absent") == 0)
		t->absent = number != 0;
	if (strcmp(key, "hide") == 0)
		t->hide = number != 0;
}

static void
token_add(struct layer_script *s, char **save)
{
	struct layer_token *t = &s->tokens[s->n_tokens];
	char *word = strtok_r(NULL, " \n", save);

	if (word == NULL || s->n_tokens == LAYER_TOKENS_MAX)
		return;
	*t = (struct layer_token){.gone = CKR_SESSION_HANDLE_INVALID};
	snprintf(t->real, sizeof(t->real), "%s", word);
	while ((word = strtok_r(NULL, " \n", save)) != NULL) {
		char *value = strchr(word, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		token_set(t, word, value);
	}
	s->n_tokens++;
}

static void
script_parse(struct layer_script *s, FILE *f)
{
	char *line = NULL, *word, *save;
	size_t size = 0;

	while (getline(&line, &size, f) > 0) {
		word = strtok_r(line, " \n", &save);
		if (word != NULL && strcmp(word, "call") == 0)
			call_script_add(&s->calls, &save);
		else if (word != NULL && strcmp(word, "token") == 0)
			token_add(s, &save);
	}
	free(line);
}

/* The counts of this script: from 0, unless another process began them. */
static struct layer_counts *
counts_map(const char *script, const long long of[static 3])
{
	struct layer_counts *c = MAP_FAILED;
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "%s.count", script);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	if (flock(fd, LOCK_EX) == 0 && ftruncate(fd, sizeof(*c)) == 0)
		c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	if (c != MAP_FAILED && memcmp(c->of, of, sizeof(c->of)) != 0) {
		memset(c, 0, sizeof(*c));
		memcpy(c->of, of, sizeof(c->of));
	}
	/* The mapping would keep it locked. */
	flock(fd, LOCK_UN);
	close(fd);
	return c == MAP_FAILED ? NULL : c;
}

bool
layer_read(struct layer *l)
{
	const char *path = getenv("P11_LAYER_SCRIPT");
	struct layer_counts *counts;
	struct stat st;
	FILE *f;

	if (path == NULL || stat(path, &st) != 0)
		return false;
#ifdef __APPLE__
	const struct timespec at = st.st_mtimespec;
#else
	const struct timespec at = st.st_mtim;
#endif
	const long long of[3] = {(long long)st.st_ino, at.tv_sec, at.tv_nsec};

	if (memcmp(of, l->read_at, sizeof(of)) == 0 ||
	    (f = fopen(path, "re")) == NULL)
		return false;
	l->script = (struct layer_script){0};
	script_parse(&l->script, f);
	fclose(f);
	memcpy(l->read_at, of, sizeof(of));
	counts = counts_map(path, of);
	if (counts == NULL)
		abort();
	if (l->counts != NULL)
		munmap(l->counts, sizeof(*counts));
	l->counts = counts;
	l->script.calls.met = counts->met;
	return true;
}
