/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and closing the agent's sockets. */
#include "agent/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/client.h"
#include "agent/control.h"
#include "common/helpers.h"
#include "agent/listener.h"
#include "common/cleanup.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/service.h"

bool
serve_place(struct serve *s, const char *path, bool private,
    char why[static SOCK_WHY_BYTES])
{
	if (path == NULL && private)
		s->path = sock_private_path(&s->private_folder, why);
	else if (path == NULL)
		s->path = sock_default_path(why);
	else if ((s->path = path_absolute(path)) == NULL)
		snprintf(why, SOCK_WHY_BYTES, "%s: its folder is unknown",
		    path);
	return s->path != NULL;
}

bool
serve_adopt(struct serve *s, char why[static SOCK_WHY_BYTES])
{
	struct service_sockets passed;
	struct stat st;

	if (!service_take_sockets(&passed, why, SOCK_WHY_BYTES))
		return false;
	s->socket.fd = passed.agent;
	s->control.fd = passed.control;
	if (passed.agent < 0)
		return true;
	s->path = sock_path_of(passed.agent, why);
	if (s->path != NULL && lstat(s->path, &st) == 0) {
		s->socket.dev = st.st_dev;
		s->socket.ino = st.st_ino;
	}
	return s->path != NULL;
}

enum sock_result
serve_open(struct serve *s, char why[static SOCK_WHY_BYTES])
{
	char control[PATH_MAX_BYTES];
	enum sock_result r = SOCK_OK;

	snprintf(control, sizeof(control), "%s.control", s->path);
	if (s->socket.fd < 0)
		r = sock_listen(s->path, &s->socket, why);
	if (r == SOCK_OK && s->control.fd < 0)
		r = sock_listen(control, &s->control, why);
	return r;
}

static void
hang_up_on_all(int listening)
{
	int fd;

	while (listening >= 0 && (fd = accept(listening, NULL, NULL)) >= 0)
		close(fd);
}

void
serve_refuse(const struct serve *s)
{
	/* Those that have a file are our own, and go with us. */
	if (s->socket.path == NULL)
		hang_up_on_all(s->socket.fd);
	if (s->control.path == NULL)
		hang_up_on_all(s->control.fd);
}

/* A socket that was passed may stand where we see no file. */
static void
watch_file(struct serve *s, struct agent *agent, socket_gone gone, void *arg)
{
	const struct listen_socket *l = &s->socket;

	if (l->ino == 0)
		return;
	s->watch = socket_watch_new(agent->base, s->path, l->dev, l->ino,
	    gone, arg);
	if (s->watch == NULL)
		log_warn("%s: the system will not say when it is removed: %s",
		    s->path, strerror(errno));
}

bool
serve_begin(struct serve *s, struct agent *agent, socket_gone gone, void *arg)
{
	agent->socket_path = s->path;
	watch_file(s, agent, gone, arg);
	s->listener = listener_new(agent, s->socket.fd, LISTENER_OWN_AND_ROOT,
	    client_new);
	s->control_listener = listener_new(agent, s->control.fd,
	    LISTENER_OWN_ONLY, control_new);
	return s->listener != NULL && s->control_listener != NULL;
}

void
serve_close(struct serve *s)
{
	s->watch = socket_watch_free(s->watch);
	s->listener = listener_free(s->listener);
	s->control_listener = listener_free(s->control_listener);
	listen_socket_close(&s->socket);
	listen_socket_close(&s->control);
	if (s->private_folder != NULL)
		rmdir(s->private_folder);
	free(s->private_folder);
	s->private_folder = NULL;
	free(s->path);
	s->path = NULL;
}

enum trust
serve_pid_at(const char *path, pid_t *ret, char why[static SOCK_WHY_BYTES])
{
	CLEANUP(cleanup_close) int fd = -1;
	struct peer peer;
	enum trust t = trust_connect(path, &fd, &peer, why);

	if (t == TRUST_OURS)
		*ret = peer_is_our_program(peer.pid) ? peer.pid : 0;
	return t;
}
