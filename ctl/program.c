/* SPDX-License-Identifier: BSD-2-Clause */
/* Other programs and what they say. */
#include "ctl/program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/helpers.h"
#include "common/read-all.h"

extern char **environ;

/* With its standard output in `fd`; 0, or an errno. A name is looked for. */
static int
spawn(const char *path, char *const *argv, int fd, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int error;

	if ((error = posix_spawn_file_actions_init(&actions)) != 0)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawnp(ret, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* What waitpid(2) says; -1 when it says nothing. */
static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* Run it and take what it prints. False, told, when that was impossible. */
static bool
run(const char *path, char *const *argv, struct buffer *out, int *ret_status)
{
	int ends[2], error;
	bool whole;
	pid_t pid;

	if (pipe(ends) != 0) {
		ctl_error("no pipe: %s", strerror(errno));
		return false;
	}
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	fflush(stdout);
	error = spawn(path, argv, ends[1], &pid);
	close(ends[1]);
	if (error != 0) {
		close(ends[0]);
		ctl_error("%s cannot be run: %s", path, strerror(error));
		return false;
	}
	whole = read_all(ends[0], out);
	close(ends[0]);
	*ret_status = wait_for(pid);
	return whole && *ret_status != -1;
}

char *
program_find(void)
{
	char why[HELPER_WHY_BYTES];
	char *path = helper_path(CONFIG_PROGRAM, why);

	if (path == NULL)
		ctl_error("%s cannot be run: %s", CONFIG_PROGRAM, why);
	return path;
}

enum ctl_exit
program_run(char *const *argv, struct buffer *out)
{
	CLEANUP(cleanup_free) char *path = program_find();
	int status;

	if (path == NULL || !run(path, argv, out, &status))
		return CTL_REFUSED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return CTL_DONE;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
		ctl_error("%s did not do its work", CONFIG_PROGRAM);
	return CTL_REFUSED;
}

bool
program_run_found(char *const *argv, struct buffer *out)
{
	int status;

	if (!run(argv[0], argv, out, &status))
		return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	ctl_error("%s did not do its work", argv[0]);
	return false;
}
