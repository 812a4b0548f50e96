/* SPDX-License-Identifier: BSD-2-Clause */
/* p11-agent: from the command line to the event loop and back. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/announce.h"
#include "agent/background.h"
#include "agent/clock.h"
#include "agent/family.h"
#include "agent/options.h"
#include "agent/pin-memory.h"
#include "agent/reload.h"
#include "agent/serve.h"
#include "agent/smartcard.h"
#include "agent/startup.h"
#include "common/harden.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/service.h"

/* SIGTERM, SIGINT, SIGHUP, SIGUSR1. */
enum { HANDLED_SIGNALS = 4 };

/* One run of the daemon. */
struct run {
	struct options options;
	struct agent *agent;
	struct serve serve;
	struct watch *parent;	  /* the command's process */
	struct event *signals[HANDLED_SIGNALS];
	struct reload_waiter first_read;
	bool configured;
	bool pins_read;
	bool managed; /* the service manager holds the socket */
};

static void
run_stop(struct run *run)
{
	announce_stopping(run->agent);
	event_base_loopexit(run->agent->base, NULL);
}

static void
run_terminate(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	log_info("signal %d: bye", (int)number);
	run_stop(arg);
}

/* As when a user's runtime folder is removed after the last logout. */
static void
run_socket_gone(void *arg, const char *words)
{
	struct run *run = arg;

	log_warn("%s %s: bye", run->serve.path, words);
	run_stop(run);
}

static void
run_command_ended(void *arg)
{
	struct run *run = arg;

	event_base_loopexit(run->agent->base, NULL);
}

static void
run_hangup(evutil_socket_t number, short what, void *arg)
{
	struct run *run = arg;

	(void)number;
	(void)what;
	log_info("reading the config again");
	reload_start(run->agent->reload, NULL);
}

/* Hide all keys, as OpenSSH's agent does from 10.0 on: ssh-add -D by signal. */
static void
run_hide(evutil_socket_t number, short what, void *arg)
{
	struct run *run = arg;

	(void)what;
	log_info("signal %d: all keys are hidden and logged out, as by "
	    "ssh-add -D", (int)number);
	startup_then(run->agent, smartcard_hide_every_key);
}

static bool
run_signals(struct run *run)
{
	static const struct {
		int number;
		event_callback_fn handle;
	} handlers[HANDLED_SIGNALS] = {
		{SIGTERM, run_terminate},
		{SIGINT, run_terminate},
		{SIGHUP, run_hangup},
		{SIGUSR1, run_hide},
	};
	/* Sent by mistake, they would leave the sockets behind. */
	static const int ignored[] = {
		SIGPIPE, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO,
	};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	for (size_t i = 0; i < HANDLED_SIGNALS; i++) {
		run->signals[i] = evsignal_new(run->agent->base,
		    handlers[i].number, handlers[i].handle, run);
		if (run->signals[i] == NULL ||
		    evsignal_add(run->signals[i], NULL) != 0)
			return false;
	}
	return true;
}

/* In the process that stays: a command and our children keep their limits. */
static bool
run_harden(void)
{
	const char *fault = harden_process();

	if (fault != NULL) {
		log_error("%s", fault);
		return false;
	}
	harden_raise_fds();
	if (getdtablesize() >= FDS_NEEDED)
		return true;
	log_error("an agent needs %d file descriptors and may have %d: raise "
	    "the hard limit (ulimit -Hn, or LimitNOFILE= of a unit)",
	    FDS_NEEDED, getdtablesize());
	return false;
}

static void
run_config_read(void *arg, const char *error)
{
	struct run *run = arg;

	run->configured = error == NULL;
	event_base_loopbreak(run->agent->base);
}

static void
run_pins_read(void *arg)
{
	struct run *run = arg;

	run->pins_read = true;
	event_base_loopbreak(run->agent->base);
}

/*
 * The config decides whether there is a daemon at all: wait for it; and no
 * PIN may be tried before it is known what became of the last ones.
 */
static bool
run_configure(struct run *run)
{
	struct event_base *base = run->agent->base;

	pin_file_read(run->agent->pin_file, run_pins_read, run);
	run->first_read.done = run_config_read;
	run->first_read.arg = run;
	reload_start(run->agent->reload, &run->first_read);
	while ((run->first_read.reload != NULL || !run->pins_read) &&
	    !event_base_got_exit(base))
		event_base_dispatch(base);
	/* A signal may have come with the last of them. */
	return run->configured && !event_base_got_exit(base);
}

static void
run_look_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/*
 * Whoever may read the folder may hold its lock, in /tmp anybody: wait, but
 * not for ever, and hear signals meanwhile.
 */
static bool
run_take_sockets(struct run *run)
{
	const struct timeval pause = clock_timeval(FOLDER_LOCK_LOOK_MSEC);
	const int64_t end = clock_ms() + FOLDER_LOCK_MAX_MSEC;
	struct event_base *base = run->agent->base;
	char why[SOCK_WHY_BYTES];
	enum sock_result r;
	bool told = false;

	for (; (r = serve_open(&run->serve, why)) == SOCK_LOCKED &&
	    clock_ms() < end; told = true) {
		if (!told)
			log_info("waiting: %s", why);
		event_base_once(base, -1, EV_TIMEOUT, run_look_again, NULL,
		    &pause);
		event_base_loop(base, EVLOOP_ONCE);
		if (event_base_got_exit(base))
			return false;
	}
	if (r != SOCK_OK)
		log_error("%s", why);
	return r == SOCK_OK;
}

/*
 * With a config, for only then are we an agent; in the process that stays,
 * whose children serve it.
 */
static bool
run_open(struct run *run)
{
	/* A fork would have left it behind. */
	family_adopt();
	if (!run_signals(run)) {
		log_error("out of memory");
		return false;
	}
	if (!run_harden() || !run_configure(run) || !run_take_sockets(run))
		return false;
	if (!serve_begin(&run->serve, run->agent, run_socket_gone, run)) {
		log_error("out of memory");
		return false;
	}
	announce_ready(run->agent);
	return true;
}

static int
run_loop(struct run *run)
{
	return event_base_dispatch(run->agent->base) < 0;
}

static void
run_print(const struct run *run, pid_t pid)
{
	shell_print_set(stdout, run->options.shell, run->serve.path, pid);
	fflush(stdout);
}

/* The child is the agent; we print, or become the command. */
static int
run_background(struct run *run)
{
	const struct options *o = &run->options;
	pid_t parent = getpid(), pid;
	int ready;

	pid = background_fork(run->agent->base, run->agent->spawner, &ready);
	if (pid < 0)
		_exit(1);
	if (pid > 0 && o->command != NULL)
		_exit(background_exec(o->command, run->serve.path, pid));
	if (pid > 0) {
		run_print(run, pid);
		_exit(0);
	}
	/* Nobody asked for words on this terminal. */
	log_set_level(LOG_LEVEL_WARN);
	if (!run_open(run))
		return 1;
	/* First: the command may end as soon as we are ready. */
	if (o->command != NULL)
		run->parent = watch_new(run->agent->base, parent,
		    run_command_ended, run);
	if (!background_ready(ready))
		return 1;
	log_set_level(LOG_LEVEL_INFO);
	log_info("serving %s", run->serve.path);
	return run_loop(run);
}

/* Where to listen, or on what: -a and a command mean another place. */
static bool
run_place(struct run *run)
{
	const struct options *o = &run->options;
	char why[SOCK_WHY_BYTES];
	bool ok = true;

	if (o->socket == NULL && o->command == NULL)
		ok = serve_adopt(&run->serve, why);
	run->managed = run->serve.path != NULL;
	if (ok && !run->managed)
		ok = serve_place(&run->serve, o->socket, o->command != NULL,
		    why);
	if (!ok)
		log_error("%s", why);
	return ok;
}

/* In the process that was started, until it ends. */
static int
run_foreground(struct run *run)
{
	if (!run_open(run)) {
		announce_now(run->agent);
		serve_refuse(&run->serve);
		return 1;
	}
	if (!run->managed)
		run_print(run, getpid());
	log_info("serving %s", run->serve.path);
	return run_loop(run);
}

static int
run_serve(struct run *run)
{
	const struct options *o = &run->options;
	char why[SOCK_WHY_BYTES];
	pid_t other;

	if (!run_place(run))
		return 1;
	/* Whoever passes a socket waits for this very process. */
	if (o->foreground || run->managed)
		return run_foreground(run);
	if (o->socket != NULL || o->command != NULL)
		return run_background(run);
	switch (serve_pid_at(run->serve.path, &other, why)) {
	case TRUST_OURS:
		/* Somebody serves the default socket: that one will do. */
		run_print(run, other);
		return 0;
	case TRUST_NOBODY:
		return run_background(run);
	case TRUST_NOT:
		log_error("%s: %s", run->serve.path, why);
	}
	return 1;
}

static void
run_end(struct run *run)
{
	serve_close(&run->serve);
	watch_free(run->parent);
	for (size_t i = 0; i < HANDLED_SIGNALS; i++)
		if (run->signals[i] != NULL)
			event_free(run->signals[i]);
	agent_free(run->agent);
}

/* -k: end the agent of this shell. */
static int
kill_agent(const struct options *o)
{
	const char *text = getenv("SSH_AGENT_PID");
	char *end;
	long pid;

	if (text == NULL) {
		log_error("SSH_AGENT_PID is not set: no agent to end");
		return 1;
	}
	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || pid <= 1) {
		log_error("SSH_AGENT_PID is no process id: %s", text);
		return 1;
	}
	if (kill((pid_t)pid, SIGTERM) != 0) {
		log_error("process %ld: %s", pid, strerror(errno));
		return 1;
	}
	shell_print_unset(stdout, o->shell, (pid_t)pid);
	return 0;
}

int
main(int argc, char **argv)
{
	struct run run = {.serve = SERVE_NONE};
	const char *journal;
	int code;

	switch (options_parse(argc, argv, &run.options)) {
	case OPTIONS_DONE:
		return 0;
	case OPTIONS_USAGE:
		return 2;
	case OPTIONS_RUN:
		break;
	}
	log_set_name("p11-agent");
	if ((journal = service_log_socket()) != NULL)
		log_to_journal(journal);
	if (run.options.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	if (run.options.kill)
		return kill_agent(&run.options);
	if ((run.agent = agent_new(run.options.config)) == NULL) {
		log_error("out of memory");
		return 1;
	}
	code = run_serve(&run);
	run_end(&run);
	return code;
}
