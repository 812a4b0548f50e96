/* SPDX-License-Identifier: BSD-2-Clause */
/* Ask the agent that the command line means; say what is wrong if it fails. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "ctl/client.h"
#include "ctl/path.h"

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
tell_no_agent(const struct ctl *c, const struct agent_path *path,
    const char *why)
{
	ctl_error("no p11-agent answers at %s: %s", path->control, why);
	if (path->other_agent != NULL)
		ctl_error("SSH_AUTH_SOCK is %s, where no control socket is: "
			  "not p11-agent's",
		    path->other_agent);
	if (c->socket == NULL)
		ctl_error("`p11-agentctl setup` has one started whenever it is "
			  "wanted, `p11-agent` starts one now; -a names the "
			  "socket of another");
	else
		ctl_error("to start one there: p11-agent -a %s", path->socket);
}

static bool
choose_path(const struct ctl *c, struct agent_path *ret)
{
	struct agent_path_from from;

	agent_path_sources(c->socket, &from);
	if (agent_path_choose(&from, ret))
		return true;
	ctl_error("where is the agent? %s", from.why);
	return false;
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
	struct buffer in = BUFFER_INIT(CLIENT_REPLY_ROOM_BYTES);
	struct control_reply reply;
	struct agent_path path;
	char why[CLIENT_WHY_BYTES];

	*ret = NULL;
	*ret_words = NULL;
	if (!choose_path(c, &path))
		return CTL_NO_AGENT;
	if (!client_ask(path.control, q, msec, &in, &reply, why)) {
		tell_no_agent(c, &path, why);
		return CTL_NO_AGENT;
	}
	return take_reply(&reply, ret, ret_words);
}

static struct control_request
request_of(const char *const *words, unsigned n)
{
	struct control_request q = {.n_words = n};

	for (unsigned i = 0; i < n; i++)
		q.words[i] = bytes_str(words[i]);
	return q;
}

static void
tell_refusal(enum ctl_exit e, const char *words)
{
	if (e == CTL_REFUSED || e == CTL_USAGE)
		ctl_error("%s", words == NULL ? "the agent said no" : words);
}

static enum ctl_exit
ask_words(
    const struct ctl *c, const char *const *words, unsigned n, json_t **ret)
{
	CLEANUP(cleanup_free) char *refusal = NULL;
	const struct control_request q = request_of(words, n);
	enum ctl_exit e = client_send(c, &q, ANSWER_MAX_MSEC, ret, &refusal);

	tell_refusal(e, refusal);
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

struct follower {
	const struct ctl *ctl;
	bool (*each)(const struct ctl *c, const json_t *document);
	bool heard; /* one reply at least */
	enum ctl_exit exit;
};

static bool
follow(void *arg, const struct control_reply *reply)
{
	CLEANUP(cleanup_free) char *refusal = NULL;
	struct follower *f = arg;
	json_t *document = NULL;
	bool more;

	f->heard = true;
	f->exit = take_reply(reply, &document, &refusal);
	tell_refusal(f->exit, refusal);
	more = f->exit == CTL_DONE && f->each(f->ctl, document);
	json_decref(document);
	return more;
}

enum ctl_exit
client_follow(const struct ctl *c,
    bool (*each)(const struct ctl *c, const json_t *document))
{
	const struct control_request q = request_of(c->words, c->n_words);
	struct follower f = {.ctl = c, .each = each};
	struct agent_path path;
	char why[CLIENT_WHY_BYTES];

	if (!choose_path(c, &path))
		return CTL_NO_AGENT;
	if (client_listen(path.control, &q, ANSWER_MAX_MSEC, follow, &f, why))
		return f.exit;
	if (f.heard)
		ctl_error("the agent at %s: %s", path.control, why);
	else
		tell_no_agent(c, &path, why);
	return CTL_NO_AGENT;
}
