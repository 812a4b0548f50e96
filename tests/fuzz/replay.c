/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A main for a fuzz target where libFuzzer is not at hand: runs every file of
 * the folders given as arguments, and variants of each (cut at every length,
 * bytes changed one at a time, a byte too many). The same inputs each time.
 * A folder without a file is an error, so that a test cannot pass on nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

enum {
	/* Places of a file where it is cut and changed. */
	PLACES_MAX = 512,
};

struct input {
	uint8_t *p;
	size_t len;
};

/* On a block of just its size, where a sanitizer sees a byte too far. */
static void
run(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);

	FUZZ_CHECK(copy != NULL);
	if (len > 0)
		memcpy(copy, p, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
run_changed(struct input in, size_t at)
{
	uint8_t was = in.p[at];
	const uint8_t values[] = {0, 0xff, (uint8_t)(was ^ 0x80),
	    (uint8_t)(was + 1), (uint8_t)(was - 1), '"', '\n'};

	for (size_t i = 0; i < sizeof(values); i++) {
		if (values[i] == was)
			continue;
		in.p[at] = values[i];
		run(in.p, in.len);
	}
	in.p[at] = was;
}

/* in.p has room for one byte more than in.len. */
static void
run_with_variants(struct input in)
{
	size_t step = in.len / PLACES_MAX + 1;

	run(in.p, in.len);
	for (size_t at = 0; at < in.len; at += step) {
		run(in.p, at);
		run_changed(in, at);
	}
	in.p[in.len] = 0;
	run(in.p, in.len + 1);
}

static bool
read_file(const char *path, struct input *ret)
{
	FILE *f = fopen(path, "rb");
	struct input in = {NULL, 0};
	struct stat st;
	bool ok = false;

	if (f == NULL)
		return false;
	if (fstat(fileno(f), &st) == 0) {
		in.len = (size_t)st.st_size;
		in.p = malloc(in.len + 1);
		ok = in.p != NULL && fread(in.p, 1, in.len, f) == in.len;
	}
	fclose(f);
	if (!ok) {
		free(in.p);
		return false;
	}
	*ret = in;
	return true;
}

static bool
replay_file(const char *folder, const char *name)
{
	char path[4096];
	struct input in;
	int len = snprintf(path, sizeof(path), "%s/%s", folder, name);

	if (len < 0 || (size_t)len >= sizeof(path) || !read_file(path, &in)) {
		fprintf(stderr, "%s/%s: %s\n", folder, name, strerror(errno));
		return false;
	}
	run_with_variants(in);
	free(in.p);
	return true;
}

static int
is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* The number of files, or -1. */
static int
replay_folder(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_visible, alphasort);
	bool ok = true;

	if (n < 0) {
		fprintf(stderr, "%s: %s\n", folder, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		ok = ok && replay_file(folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (n == 0)
		fprintf(stderr, "%s: no file in it\n", folder);
	return ok && n > 0 ? n : -1;
}

int
main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int n = replay_folder(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	if (total == 0) {
		fprintf(stderr, "usage: %s FOLDER...\n", argv[0]);
		return 2;
	}
	printf("%d files replayed\n", total);
	return 0;
}
