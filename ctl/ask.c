/* SPDX-License-Identifier: BSD-2-Clause */
/* Ask the agent that the command line means; say what is wrong if it fails. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "ctl/client.h"
#include "ctl/path.h"

enum {
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
take_reply(
    const struct control_reply *reply, json_t **ret, char **ret_words)
{
	json_error_t error;

	if (reply->status == CONTROL_OK) {
		*ret = json_loadb((const char *)reply->text.p, reply->text.len,
		    JSON_REJECT_DUPLICATES, &error);
		if (*ret != NULL)
			return CTL_DONE;
		if (asprintf(ret_words, "the agent's answer is no JSON: %s",
			error.text) < 0)
			*ret_words = NULL;
		return CTL_REFUSED;
	}
	*ret_words = bytes_strdup(reply->text);
	return reply->status == CONTROL_USAGE ? CTL_USAGE : CTL_REFUSED;
}

enum ctl_exit
client_send(const struct ctl *c, const struct control_request *q, int msec,
    json_t **ret, char **ret_words)
{
	CLEANUP(buffer_cleanup)
	struct buffer in = BUFFER_INIT(REPLY_ROOM_BYTES);
	const struct agent_path_from from = agent_path_sources(c->socket);
	struct control_reply reply;
	struct agent_path path;
	char why[CLIENT_WHY_BYTES];

	*ret = NULL;
	*ret_words = NULL;
	if (!agent_path_choose(&from, &path)) {
		ctl_error("where is the agent? XDG_RUNTIME_DIR is not set; "
			  "name its socket with -a");
		return CTL_NO_AGENT;
	}
	if (!client_ask(path.control, q, msec, &in, &reply, why)) {
		tell_no_agent(&path, why);
		return CTL_NO_AGENT;
	}
	return take_reply(&reply, ret, ret_words);
}

static enum ctl_exit
ask_words(
    const struct ctl *c, const char *const *words, unsigned n, json_t **ret)
{
	CLEANUP(cleanup_free) char *refusal = NULL;
	struct control_request q = {.n_words = n};
	enum ctl_exit e;

	for (unsigned i = 0; i < n; i++)
		q.words[i] = bytes_str(words[i]);
	e = client_send(c, &q, ANSWER_MAX_MSEC, ret, &refusal);
	if (e == CTL_REFUSED || e == CTL_USAGE)
		ctl_error(
		    "%s", refusal == NULL ? "the agent said no" : refusal);
	return e;
}

enum ctl_exit
client_command(const struct ctl *c, const char *word, json_t **ret)
{
	return ask_words(c, &word, 1, ret);
}

void
client_print_json(const json_t *document)
{
	if (json_dumpf(document, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
}

enum ctl_exit
client_show(
    const struct ctl *c, void (*show)(const json_t *document, FILE *out))
{
	json_t *document;
	enum ctl_exit e = ask_words(c, c->words, c->n_words, &document);

	if (e != CTL_DONE)
		return e;
	if (!c->json)
		show(document, stdout);
	else
		client_print_json(document);
	json_decref(document);
	return CTL_DONE;
}
