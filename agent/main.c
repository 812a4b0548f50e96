/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent: from the command line to the event loop and back. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/client.h"
#include "agent/config-flat.h"
#include "agent/config-run.h"
#include "agent/control.h"
#include "agent/listener.h"
#include "agent/options.h"
#include "agent/sockpath.h"
#include "common/cleanup.h"
#include "common/harden.h"
#include "common/limits.h"
#include "common/log.h"

/* One run of the daemon. */
struct run {
	struct agent *agent;
	struct listen_socket socket;
	struct listen_socket control_socket;
	struct listener *listener;
	struct listener *control_listener;
	struct event *sigterm;
	struct event *sigint;
	struct config *config; /* until the agent has it */
	bool failed;
};

/* The first answer of the loop: the config, or why there is none. */
static void
run_config_read(void *arg, struct bytes answer, const char *error)
{
	struct run *run = arg;

	if (error == NULL && config_parse(answer, &run->config) != PARSE_OK)
		error = "p11-agent-config sent nonsense";
	if (error != NULL)
		log_error("%s", error);
	event_base_loopbreak(run->agent->base);
}

static bool
run_read_config(struct run *run, const struct options *o)
{
	const char *args[] = {"load", o->config, NULL};

	if (config_run_start(run->agent, args, run_config_read, run) == NULL)
		return false;
	event_base_dispatch(run->agent->base);
	return run->config != NULL;
}

static bool
run_listen_at(const char *path, struct listen_socket *s)
{
	char why[SOCK_WHY_BYTES];

	if (sock_listen(path, s, why) == SOCK_OK)
		return true;
	log_error("%s", why);
	return false;
}

static bool
run_listen(struct run *run, const struct options *o)
{
	char control[PATH_MAX_BYTES], why[SOCK_WHY_BYTES];
	CLEANUP(cleanup_free) char *path = o->socket != NULL ?
	    strdup(o->socket) : sock_default_path(why);
	struct agent *a = run->agent;

	if (path == NULL) {
		log_error("%s", o->socket != NULL ? "out of memory" : why);
		return false;
	}
	snprintf(control, sizeof(control), "%s.control", path);
	if (!run_listen_at(path, &run->socket) ||
	    !run_listen_at(control, &run->control_socket))
		return false;
	a->socket_path = run->socket.path;
	run->listener = listener_new(a, run->socket.fd,
	    LISTENER_OWN_AND_ROOT, client_new);
	run->control_listener = listener_new(a, run->control_socket.fd,
	    LISTENER_OWN_ONLY, control_new);
	return run->listener != NULL && run->control_listener != NULL;
}

static void
run_stop(evutil_socket_t number, short what, void *arg)
{
	struct run *run = arg;

	(void)what;
	log_info("signal %d: bye", (int)number);
	event_base_loopexit(run->agent->base, NULL);
}

static bool
run_prepare(struct run *run)
{
	const char *fault;

	if ((run->agent = agent_new()) == NULL) {
		log_error("out of memory");
		return false;
	}
	/* Behind agent_new: children get the limits of before. */
	harden_raise_fds();
	if ((fault = harden_process()) != NULL) {
		log_error("%s", fault);
		return false;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	run->sigterm = evsignal_new(run->agent->base, SIGTERM, run_stop, run);
	run->sigint = evsignal_new(run->agent->base, SIGINT, run_stop, run);
	return run->sigterm != NULL && run->sigint != NULL &&
	    evsignal_add(run->sigterm, NULL) == 0 &&
	    evsignal_add(run->sigint, NULL) == 0;
}

static void
run_end(struct run *run)
{
	listener_free(run->listener);
	listener_free(run->control_listener);
	if (run->sigterm != NULL)
		event_free(run->sigterm);
	if (run->sigint != NULL)
		event_free(run->sigint);
	listen_socket_close(&run->socket);
	listen_socket_close(&run->control_socket);
	config_free(run->config);
	agent_free(run->agent);
}

int
main(int argc, char **argv)
{
	struct run run = {
		.socket = LISTEN_SOCKET_NONE,
		.control_socket = LISTEN_SOCKET_NONE,
	};
	struct options options;
	bool ok;

	switch (options_parse(argc, argv, &options)) {
	case OPTIONS_DONE:
		return 0;
	case OPTIONS_USAGE:
		return 2;
	case OPTIONS_RUN:
		break;
	}
	log_set_name("p11-agent");
	if (options.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	ok = run_prepare(&run) && run_read_config(&run, &options) &&
	    run_listen(&run, &options);
	if (ok) {
		struct config *config = run.config;

		run.config = NULL;
		log_info("serving %s", run.socket.path);
		agent_start(run.agent, config);
		ok = event_base_dispatch(run.agent->base) >= 0;
	}
	run_end(&run);
	return ok ? 0 : 1;
}
