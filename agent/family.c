/* SPDX-License-Identifier: BSD-2-Clause */
/* A child and its descendants, to end them all. */
#include "agent/family.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef __APPLE__
#include <libproc.h>
#endif

#include "common/limits.h"

enum {
	/* Looks for those that were forked during the one before. */
	FAMILY_LOOKS_MAX = 16,
};

struct family {
	pid_t child;
	pid_t pids[FAMILY_PROCESSES_MAX];
	size_t n;
};

static void
family_add(struct family *f, pid_t pid)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->pids[i] == pid)
			return;
	if (f->n == FAMILY_PROCESSES_MAX)
		return;
	f->pids[f->n++] = pid;
	kill(pid, SIGSTOP);
}

#ifdef __linux__

/* Is it marked as one of this family? */
static bool
family_has(const struct family *f, pid_t pid)
{
	char path[64], line[128];
	long mark = 0;
	FILE *limits;

	snprintf(path, sizeof(path), "/proc/%ld/limits", (long)pid);
	if ((limits = fopen(path, "re")) == NULL)
		return false;
	while (mark == 0 && fgets(line, sizeof(line), limits) != NULL)
		if (sscanf(line, "Max file locks %ld", &mark) != 1)
			mark = 0;
	fclose(limits);
	return mark == (long)f->child;
}

/* Add the children of one thread: all of them, or those that are marked. */
static void
family_add_of_thread(struct family *f, const char *path, bool marked)
{
	FILE *children = fopen(path, "re");
	long pid;

	if (children == NULL)
		return;
	while (fscanf(children, "%ld", &pid) == 1)
		if (!marked || family_has(f, (pid_t)pid))
			family_add(f, (pid_t)pid);
	fclose(children);
}

static void
family_add_children(struct family *f, pid_t pid, bool marked)
{
	char path[PATH_MAX_BYTES];
	const struct dirent *thread;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	if ((threads = opendir(path)) == NULL)
		return;
	while ((thread = readdir(threads)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%ld/task/%s/children",
		    (long)pid, thread->d_name);
		family_add_of_thread(f, path, marked);
	}
	closedir(threads);
}

void
family_adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

void
family_mark(void)
{
	const struct rlimit mark = {(rlim_t)getpid(), RLIM_INFINITY};

	setrlimit(RLIMIT_LOCKS, &mark);
}

#else

static void
family_add_children(struct family *f, pid_t pid, bool marked)
{
#ifdef __APPLE__
	pid_t pids[FAMILY_PROCESSES_MAX] = {0};

	/* Orphans are launchd's, and have no mark. */
	if (marked || proc_listchildpids(pid, pids, (int)sizeof(pids)) <= 0)
		return;
	for (size_t i = 0; i < FAMILY_PROCESSES_MAX && pids[i] != 0; i++)
		family_add(f, pids[i]);
#endif
}

void
family_adopt(void)
{
}

void
family_mark(void)
{
}

#endif

/* True when it found one more. */
static bool
family_look(struct family *f)
{
	size_t before = f->n;

	family_add_children(f, getpid(), true);
	/* The list grows meanwhile. */
	for (size_t i = 0; i < f->n; i++)
		family_add_children(f, f->pids[i], false);
	return f->n > before;
}

void
family_kill(pid_t child)
{
	struct family f = {.child = child};

	family_add(&f, child);
	for (int i = 0; i < FAMILY_LOOKS_MAX && family_look(&f); i++)
		continue;
	kill(-child, SIGKILL);
	for (size_t i = 0; i < f.n; i++)
		kill(f.pids[i], SIGKILL);
}
