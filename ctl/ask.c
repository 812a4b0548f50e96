/* SPDX-License-Identifier: BSD-2-Clause */
/* Ask the agent that the command line means; say what is wrong if it fails. */
#include <stdarg.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "ctl/client.h"
#include "ctl/path.h"

enum {
	/* `keys` may have the daemon look at a module first. */
	ANSWER_MAX_MSEC = 10 * 1000,
	/* The reply and its head, and what a last read may bring too many. */
	REPLY_ROOM_BYTES = CONTROL_REPLY_MAX_BYTES + 64 * 1024,
};

void
ctl_error(const char *format, ...)
{
	char text[2 * AGENT_PATH_BYTES], shown[sizeof(text)];
	char *line = text, *end;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fputs("p11-agentctl: ", stderr);
	do {
		if ((end = strchr(line, '\n')) != NULL)
			*end = '\0';
		fprintf(stderr, "%s\n",
		    text_printable(bytes_str(line), shown, sizeof(shown)));
		line = end == NULL ? NULL : end + 1;
	} while (line != NULL);
}

static void
tell_no_agent(const struct agent_path *path, const char *why)
{
	ctl_error("no p11-agent answers at %s: %s", path->control, why);
	if (path->other_agent != NULL)
		ctl_error("SSH_AUTH_SOCK is %s, where no control socket is: "
			  "not p11-agent's",
		    path->other_agent);
	ctl_error("start one (p11-agent -D -a %s), or name another one's "
		  "socket with -a",
	    path->socket);
}

static enum ctl_exit
take_reply(const struct control_reply *reply, json_t **ret)
{
	CLEANUP(cleanup_free) char *text = NULL;
	json_error_t error;

	if (reply->status == CONTROL_OK) {
		*ret = json_loadb((const char *)reply->text.p, reply->text.len,
		    JSON_REJECT_DUPLICATES, &error);
		if (*ret != NULL)
			return CTL_DONE;
		ctl_error("the agent's answer is no JSON: %s", error.text);
		return CTL_REFUSED;
	}
	text = bytes_strdup(reply->text);
	ctl_error("%s", text == NULL ? "the agent said no" : text);
	return reply->status == CONTROL_USAGE ? CTL_USAGE : CTL_REFUSED;
}

enum ctl_exit
client_ask_json(const struct ctl *c, json_t **ret)
{
	CLEANUP(buffer_cleanup)
	struct buffer in = BUFFER_INIT(REPLY_ROOM_BYTES);
	const struct agent_path_from from = agent_path_sources(c->socket);
	struct control_request q = {.n_words = c->n_words};
	struct control_reply reply;
	struct agent_path path;
	char why[CLIENT_WHY_BYTES];

	if (!agent_path_choose(&from, &path)) {
		ctl_error("where is the agent? XDG_RUNTIME_DIR is not set; "
			  "name its socket with -a");
		return CTL_NO_AGENT;
	}
	for (unsigned i = 0; i < c->n_words; i++)
		q.words[i] = bytes_str(c->words[i]);
	if (!client_ask(path.control, &q, ANSWER_MAX_MSEC, &in, &reply, why)) {
		tell_no_agent(&path, why);
		return CTL_NO_AGENT;
	}
	return take_reply(&reply, ret);
}

enum ctl_exit
client_show(
    const struct ctl *c, void (*show)(const json_t *document, FILE *out))
{
	json_t *document;
	enum ctl_exit e = client_ask_json(c, &document);

	if (e != CTL_DONE)
		return e;
	if (!c->json)
		show(document, stdout);
	else if (json_dumpf(document, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
	json_decref(document);
	return CTL_DONE;
}
