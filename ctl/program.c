/* SPDX-License-Identifier: BSD-2-Clause */
/* Other programs, where they are and what they say. */
#include "ctl/program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include "common/cleanup.h"
#include "common/read-all.h"
#include "config.h"

extern char **environ;

/* The folder of our own binary. */
static bool
own_folder(char *out, size_t size)
{
	char *slash;
#ifdef __APPLE__
	uint32_t size32 = (uint32_t)size;

	if (_NSGetExecutablePath(out, &size32) != 0)
		return false;
#else
	ssize_t n = readlink("/proc/self/exe", out, size - 1);

	if (n <= 0)
		return false;
	out[n] = '\0';
#endif
	if ((slash = strrchr(out, '/')) == NULL)
		return false;
	*slash = '\0';
	return true;
}

/* Beside us in a build folder, in libexec when installed. */
void
program_find(char out[static PROGRAM_PATH_BYTES])
{
	const size_t size = PROGRAM_PATH_BYTES;
	char folder[PATH_MAX_BYTES];
	int n;

	if (own_folder(folder, sizeof(folder))) {
		n = snprintf(out, size, "%s/%s", folder, CONFIG_PROGRAM);
		if (n > 0 && (size_t)n < size && access(out, X_OK) == 0)
			return;
	}
	snprintf(out, size, "%s/%s", P11_AGENT_LIBEXECDIR, CONFIG_PROGRAM);
}

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

enum ctl_exit
program_run(char *const *argv, struct buffer *out)
{
	char path[PROGRAM_PATH_BYTES];
	int status;

	program_find(path);
	if (!run(path, argv, out, &status))
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
