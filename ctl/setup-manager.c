/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to systemctl and launchctl. */
#include "ctl/setup-manager.h"

#include <string.h>

#include "common/cleanup.h"
#include "ctl/client.h"
#include "ctl/program.h"
#include "ctl/show.h"

static const char NAME[] = "SSH_AUTH_SOCK=";

/* The value in what was printed; NULL when there is none. */
static const char *
find_value(struct buffer *printed)
{
	char *line, *end;

	buffer_put_u8(printed, 0);
	if (printed->failed)
		return NULL;
	for (line = (char *)printed->p; *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		if (*end == '\n')
			*end++ = '\0';
		/* launchctl prints the value alone. */
		if (line[0] == '/')
			return line;
		if (strncmp(line, NAME, strlen(NAME)) == 0)
			return line + strlen(NAME);
	}
	return NULL;
}

#ifdef __APPLE__

bool
setup_manager_ask(struct buffer *printed, const char **ret)
{
	char *const words[] = {(char[]){"launchctl"},
	    (char[]){"getenv"}, (char[]){"SSH_AUTH_SOCK"}, NULL};

	*ret = program_run_found(words, printed) ? find_value(printed) : NULL;
	/* It may also mean by its status that there is no such variable. */
	return true;
}

bool
setup_units_missing(void)
{
	return false;
}

pid_t
setup_agent_by_hand(const struct agent_path *path)
{
	(void)path;
	return 0;
}

#else

enum { STATE_MAX_BYTES = 1024 };

bool
setup_manager_ask(struct buffer *printed, const char **ret)
{
	char *const words[] = {(char[]){"systemctl"},
	    (char[]){"--user"}, (char[]){"show-environment"}, NULL};

	*ret = NULL;
	if (!program_run_found(words, printed))
		return false;
	*ret = find_value(printed);
	return true;
}

/* Is this line among what the manager says of our socket's unit? */
static bool
unit_says(const char *line)
{
	char *const words[] = {(char[]){"systemctl"},
	    (char[]){"--user"}, (char[]){"show"},
	    (char[]){"--property=LoadState,ActiveState"},
	    (char[]){"p11-agent.socket"}, NULL};
	CLEANUP(buffer_cleanup)
	struct buffer state = BUFFER_INIT(STATE_MAX_BYTES);

	if (!program_run_found(words, &state))
		return false;
	buffer_put_u8(&state, 0);
	return !state.failed && strstr((char *)state.p, line) != NULL;
}

bool
setup_units_missing(void)
{
	return unit_says("LoadState=not-found\n");
}

pid_t
setup_agent_by_hand(const struct agent_path *path)
{
	const struct control_request q = {
	    .n_words = 1,
	    .words = {bytes_str("status")},
	};
	CLEANUP(buffer_cleanup)
	struct buffer in = BUFFER_INIT(CLIENT_REPLY_ROOM_BYTES);
	struct control_reply reply;
	char why[CLIENT_WHY_BYTES];
	json_t *status;
	pid_t pid;

	if (unit_says("ActiveState=active\n") ||
	    !client_ask(path->control, &q, ANSWER_MAX_MSEC, &in, &reply, why) ||
	    reply.status != CONTROL_OK)
		return 0;
	status = json_loadb((const char *)reply.text.p, reply.text.len, 0,
	    NULL);
	pid = (pid_t)show_number(status, "pid", 0);
	json_decref(status);
	return pid;
}

#endif
