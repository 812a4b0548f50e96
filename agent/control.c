/* SPDX-License-Identifier: BSD-2-Clause */
/* Answering p11-agentctl. */
#include "agent/control.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/allowlist.h"
#include "agent/control-client.h"
#include "agent/refusal.h"
#include "agent/report.h"
#include "agent/stream.h"
#include "common/cleanup.h"
#include "common/log.h"

/* p11-agentctl waits for 10 s: answer before it gives up. */
enum { CONTROL_WAIT_SEC = 8 };

void
control_answer(struct control_client *c, enum control_status status,
    const char *text)
{
	const struct control_reply m = {status, bytes_str(text)};

	control_reply_put(stream_out(c->stream), &m);
	stream_flush(c->stream);
	stream_resume(c->stream);
}

void
control_answer_json(struct control_client *c, json_t *document)
{
	char *text = document == NULL ? NULL :
	    json_dumps(document, JSON_COMPACT);

	if (text == NULL)
		control_answer(c, CONTROL_REFUSED, "out of memory");
	else
		control_answer(c, CONTROL_OK, text);
	free(text);
	json_decref(document);
}

static void
control_scans_over(struct control_client *c)
{
	event_del(&c->timeout);
	for (unsigned i = 0; i < PROVIDERS_MAX; i++)
		scan_leave(&c->scans[i]);
	readers_leave(&c->readers);
	c->n_waiting = 0;
	c->scanned(c);
}

static void
control_scanned(void *arg)
{
	struct control_client *c = arg;

	if (--c->n_waiting == 0)
		control_scans_over(c);
}

static void
control_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	control_scans_over(arg);
}

static bool
scan_is_of(const struct provider *p, enum control_scans which)
{
	return p->state == PROVIDER_SCANNING || which == SCANS_ALL ||
	    (which == SCANS_MISSING && !p->settled);
}

void
control_after_scans(struct control_client *c, enum control_scans which,
    void (*done)(struct control_client *c))
{
	const struct timeval limit = {.tv_sec = CONTROL_WAIT_SEC};
	struct provider *p;
	unsigned i = 0;

	c->scanned = done;
	c->n_waiting = 1; /* this loop itself */
	TAILQ_FOREACH(p, &c->agent->providers, entry) {
		if (i == PROVIDERS_MAX || !scan_is_of(p, which))
			continue;
		c->n_waiting++;
		c->scans[i].done = control_scanned;
		c->scans[i].arg = c;
		provider_scan(p, &c->scans[i++]);
	}
	c->readers.done = control_scanned;
	c->readers.arg = c;
	if (readers_ask(c->agent->readers, &c->readers))
		c->n_waiting++;
	evtimer_add(&c->timeout, &limit);
	control_scanned(c);
}

static void
control_report(struct control_client *c)
{
	allowlist_settle(c->agent);
	control_answer_json(c, c->report(c->agent));
}

static void
control_report_later(struct control_client *c, enum control_scans which,
    json_t *(*report)(const struct agent *agent))
{
	c->report = report;
	control_after_scans(c, which, control_report);
}

static void
control_status(struct control_client *c, const struct control_request *q)
{
	(void)q;
	control_report_later(c, SCANS_UNDER_WAY, report_status);
}

/* Every key of every token. */
static void
control_keys(struct control_client *c, const struct control_request *q)
{
	(void)q;
	control_report_later(c, SCANS_MISSING, report_keys);
}

static void
control_reloaded(void *arg, const char *error)
{
	struct control_client *c = arg;

	if (error != NULL)
		control_answer(c, CONTROL_REFUSED, error);
	else
		control_report_later(c, SCANS_UNDER_WAY, report_status);
}

/* Answers with the status behind it. */
static void
control_reload(struct control_client *c, const struct control_request *q)
{
	(void)q;
	c->reload.done = control_reloaded;
	c->reload.arg = c;
	reload_start(c->agent->reload, &c->reload);
}

static const struct control_command {
	const char *name;
	uint32_t max_words; /* the command itself among them */
	bool changes;	    /* not for ssh or sshd, whoever is behind them */
	void (*run)(struct control_client *c,
	    const struct control_request *q);
} control_commands[] = {
	{"status", 1, false, control_status},
	{"keys", 1, false, control_keys},
	{"reload", 1, true, control_reload},
	{"unlock", 3, true, control_unlock},
	{"lock", 1, true, control_lock},
	{"watch", 1, false, control_watch},
	{"release", 2, true, control_release},
};

static void
control_run(struct control_client *c, const struct control_command *command,
    const struct control_request *q)
{
	if (q->n_words > command->max_words)
		control_answer(c, CONTROL_USAGE,
		    "too many words for this command");
	else if (command->changes &&
	    (c->forwarded || peer_way(c->pid) == PEER_FORWARDS)) {
		refusal_log(c->agent->refusals, REFUSED_CONTROL, c->pid,
		    (struct log_fields){0}, "p11-agentctl %s refused: %s",
		    command->name, PEER_FORWARDS_WORDS);
		control_answer(c, CONTROL_REFUSED, PEER_FORWARDS_WORDS);
	} else
		command->run(c, q);
}

static void
control_frame(void *arg, struct bytes body)
{
	struct control_client *c = arg;
	struct control_request q;

	/* One at a time; control_answer goes on. */
	stream_pause(c->stream);
	allowlist_settle(c->agent);
	if (control_request_parse(body, &q) != PARSE_OK) {
		control_answer(c, CONTROL_USAGE,
		    "not a request that this version understands");
		return;
	}
	for (size_t i = 0; i < sizeof(control_commands) /
	    sizeof(control_commands[0]); i++) {
		if (!bytes_is(q.words[0], control_commands[i].name))
			continue;
		control_run(c, &control_commands[i], &q);
		return;
	}
	control_answer(c, CONTROL_USAGE,
	    "this p11-agent does not know the command");
}

struct control_client *
control_free(struct control_client *c)
{
	if (c == NULL)
		return NULL;
	for (unsigned i = 0; i < PROVIDERS_MAX; i++)
		scan_leave(&c->scans[i]);
	readers_leave(&c->readers);
	reload_leave(&c->reload);
	login_leave(&c->login);
	json_decref(c->released);
	free(c->wanted);
	event_del(&c->timeout);
	stream_free(c->stream);
	TAILQ_REMOVE(&c->agent->controls, c, entry);
	free(c);
	return NULL;
}

static void
control_closed(void *arg, const char *why)
{
	struct control_client *c = arg;

	if (why != NULL && stream_was_refused(c->stream))
		refusal_log(c->agent->refusals, REFUSED_CONNECTION, c->pid,
		    (struct log_fields){0}, "its connection to the control "
		    "socket was closed: %s", why);
	else if (why != NULL)
		log_debug("control connection: %s", why);
	control_free(c);
}

static const struct stream_events control_events = {
	control_frame,
	NULL,
	control_closed,
};

void
control_new(struct agent *agent, int fd, const struct peer *peer)
{
	const struct stream_limits limits = {
		.frame_max_bytes = CONTROL_REQUEST_MAX_BYTES,
		.out_max_bytes = CONTROL_REPLY_MAX_BYTES,
		.unfinished = agent->unfinished,
	};
	struct control_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	c->agent = agent;
	c->pid = peer->pid;
	c->forwarded = peer_way(peer->pid) == PEER_FORWARDS;
	c->stream = stream_new(agent->base, fd, &limits, &control_events, c);
	if (c->stream == NULL) {
		free(c);
		return;
	}
	evtimer_assign(&c->timeout, agent->base, control_timeout, c);
	TAILQ_INSERT_TAIL(&agent->controls, c, entry);
}
