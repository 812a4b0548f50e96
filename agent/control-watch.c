/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agentctl watch: the answer is a reply an event, until the connection
 * ends. Who does not read loses events, and is told how many.
 */
#include "agent/control-client.h"

#include <stdlib.h>
#include <unistd.h>

#include "agent/events.h"
#include "agent/stream.h"

static void
control_put_text(struct control_client *c, const char *text)
{
	const struct control_reply m = {CONTROL_OK, bytes_str(text)};

	control_reply_put(stream_out(c->stream), &m);
	stream_flush(c->stream);
}

static void
control_put_event(struct control_client *c, enum event_kind kind,
    const struct event_about *about)
{
	char *text = event_json(kind, about);

	if (text != NULL)
		control_put_text(c, text);
	free(text);
}

void
control_watch_put(struct control_client *c, const char *event)
{
	const struct event_about lost = {.n = c->lost};

	if (stream_out(c->stream)->len > WATCH_QUEUE_MAX_BYTES) {
		c->lost++;
		return;
	}
	c->lost = 0;
	if (lost.n > 0)
		control_put_event(c, EVENT_LOST, &lost);
	control_put_text(c, event);
}

/* Its stream stays paused: it is asked nothing more. */
void
control_watch(struct control_client *c, const struct control_request *q)
{
	const struct event_about us = {.process = getpid()};

	(void)q;
	c->watches = true;
	control_put_event(c, EVENT_WATCHING, &us);
}
