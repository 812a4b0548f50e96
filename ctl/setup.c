/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agentctl setup: SSH_AUTH_SOCK for all of a person's programs. Shows who
 * has it, and each change, before the first one is made.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "config.h"
#include "ctl/ctl.h"
#include "ctl/edit-file.h"
#include "ctl/path.h"
#include "ctl/program.h"
#include "ctl/quote.h"
#include "ctl/setup-manager.h"
#include "ctl/setup-owner.h"
#include "ctl/setup-plan.h"

enum {
	PLIST_MAX_BYTES = 64 * 1024,
	PRINTED_MAX_BYTES = 64 * 1024,
	ANSWER_BYTES = 16,
};

/* Texts that a place borrows. */
struct setup {
	struct setup_place place;
	struct agent_path path;
	char config[PATH_MAX_BYTES];
	char agent[PATH_MAX_BYTES];
	struct buffer plist;
	struct setup_plan plan;
	struct buffer manager; /* what it has */
	struct buffer printed; /* by a command */
};

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value == NULL || value[0] == '\0' ? NULL : value;
}

static const char *
home_folder(void)
{
	const struct passwd *pw;
	const char *home = variable("HOME");

	if (home != NULL && home[0] == '/')
		return home;
	pw = getpwuid(geteuid());
	return pw == NULL ? NULL : pw->pw_dir;
}

/* Of these bash reads the first that is there. */
static const char *
bash_file(const char *home)
{
	static const char *const names[] = {".bash_profile", ".bash_login"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[PATH_MAX_BYTES];
		int n = snprintf(path, sizeof(path), "%s/%s", home, names[i]);

		if (n > 0 && (size_t)n < sizeof(path) &&
		    access(path, F_OK) == 0)
			return names[i];
	}
	return ".profile";
}

/* False, told, where a person's folders are not known. */
static bool
find_place(struct setup *s)
{
	struct setup_place *at = &s->place;
	struct agent_path_from from = {0};
	const char *config = variable("XDG_CONFIG_HOME");

	at->home = home_folder();
	if (at->home == NULL) {
		ctl_error("HOME is not set, and this user has no home: a "
			  "login has one");
		return false;
	}
	if (!place_base(from.base, from.why)) {
		ctl_error("%s", from.why);
		return false;
	}
	if (!agent_path_choose(&from, &s->path)) {
		ctl_error("%s: the path is too long", from.base);
		return false;
	}
	if (config == NULL || config[0] != '/')
		snprintf(s->config, sizeof(s->config), "%s/.config", at->home);
	else
		snprintf(s->config, sizeof(s->config), "%s", config);
	snprintf(s->agent, sizeof(s->agent), "%s/p11-agent",
	    P11_AGENT_BINDIR);
	at->config = s->config;
	at->socket = s->path.socket;
	at->agent = s->agent;
	at->shell = variable("SHELL") == NULL ? "" : variable("SHELL");
	at->bash_file = bash_file(at->home);
	at->zsh = variable("ZDOTDIR") == NULL ? at->home : variable("ZDOTDIR");
	at->uid = geteuid();
	return true;
}

#ifdef __APPLE__

static bool
make_plan(struct setup *s)
{
	uint8_t *room = buffer_room(&s->plist, PLIST_MAX_BYTES);
	FILE *f = fopen(P11_AGENT_PLIST, "re");

	if (f == NULL || room == NULL) {
		ctl_error("%s: %s", P11_AGENT_PLIST, strerror(errno));
		if (f != NULL)
			fclose(f);
		return false;
	}
	buffer_added(&s->plist, fread(room, 1, PLIST_MAX_BYTES - 1, f));
	fclose(f);
	buffer_put_u8(&s->plist, 0);
	s->place.plist = (const char *)s->plist.p;
	setup_plan_launchd(&s->plan, &s->place);
	return true;
}

static const char notes[] =
    "Apple's own agent keeps running; ssh, scp, sftp and git ask p11-agent,\n"
    "because ~/.ssh/config says so. ssh-add and programs of the desktop that\n"
    "look at SSH_AUTH_SOCK follow when they are started anew; after the next\n"
    "start of the machine run setup again for these.\n";

#else

static bool
make_plan(struct setup *s)
{
	setup_plan_systemd(&s->plan, &s->place);
	return true;
}

static const char notes[] =
    "Programs that run already keep what they have: log out and in again, or\n"
    "    eval \"$(p11-agentctl env)\"\n"
    "in a shell. A login over SSH keeps the agent that it brings.\n";

#endif

static void
show_owner(const char *where, const char *socket)
{
	char shown[PATH_MAX_BYTES];
	struct setup_owner owner;

	if (socket == NULL) {
		printf("  %s: nobody\n", where);
		return;
	}
	owner = setup_owner_of(socket);
	printf("  %s: %s\n      %s\n", where, owner.name,
	    text_printable(bytes_str(socket), shown, sizeof(shown)));
	if (owner.remedy != NULL)
		printf("      to stop it yourself: %s\n", owner.remedy);
}

static void
show_words(char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		fputs(i == 0 ? "      " : " ", stdout);
		quote_print(stdout, words[i], false);
	}
	fputc('\n', stdout);
}

/* Not every file that setup may write was written. */
static bool
has_trace(const struct setup_step *step)
{
	return step->kind == SETUP_RUN ||
	    edit_is_there(step->path, step->text);
}

static void
show_step(const struct setup_step *step, bool undo)
{
	static const char *const does[][2] = {
	    [SETUP_FILE] = {"write", "remove"},
	    [SETUP_TOP] = {"add on top of", "take out of"},
	    [SETUP_BOTTOM] = {"add at the end of", "take out of"},
	};
	const char *rest;

	if (step->kind == SETUP_RUN) {
		char *const *words = undo ? step->undo : step->words;

		if (words[0] == NULL)
			return;
		puts("  run");
		show_words(words);
		return;
	}
	if (undo && !has_trace(step))
		return;
	printf("  %s %s\n", does[step->kind][undo], step->path);
	for (rest = step->text; !undo && *rest != '\0';) {
		int len = (int)strcspn(rest, "\n");

		printf("      %.*s\n", len, rest);
		rest += len + (rest[len] == '\n');
	}
}

static const struct setup_step *
step_at(const struct setup_plan *p, size_t i, bool undo)
{
	return &p->steps[undo ? p->n - 1 - i : i];
}

/* False, told, when it cannot be done. */
static bool
do_step(struct setup *s, const struct setup_step *step, bool undo)
{
	char words[EDIT_WORDS];
	enum edit e = EDIT_NOTHING;

	switch (step->kind) {
	case SETUP_FILE:
		e = undo ? edit_remove(step->path, step->text, words) :
			   edit_make(step->path, step->text, words);
		break;
	case SETUP_TOP:
	case SETUP_BOTTOM:
		e = undo ? edit_take_block(step->path, step->text, words) :
			   edit_put_block(step->path, step->text,
			       step->kind == SETUP_TOP, words);
		break;
	case SETUP_RUN:
		buffer_clear(&s->printed);
		if ((undo ? step->undo : step->words)[0] == NULL)
			return true;
		return program_run_found(undo ? step->undo : step->words,
		    &s->printed);
	}
	if (e == EDIT_FAILED)
		ctl_error("%s", words);
	return e != EDIT_FAILED;
}

/* Undo goes on behind what it cannot do: the rest should go all the same. */
static enum ctl_exit
do_all(struct setup *s, bool undo)
{
	enum ctl_exit e = CTL_DONE;

	for (size_t i = 0; i < s->plan.n; i++) {
		if (do_step(s, step_at(&s->plan, i, undo), undo))
			continue;
		e = CTL_REFUSED;
		if (undo)
			continue;
		ctl_error("stopped there; `p11-agentctl setup --undo` takes "
			  "back what was done");
		break;
	}
	return e;
}

static bool
person_says_yes(void)
{
	char answer[ANSWER_BYTES];

	fputs("Type yes to do it: ", stdout);
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return false;
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcmp(answer, "yes") == 0;
}

static void
show_all(const struct setup *s, bool undo)
{
	puts("SSH_AUTH_SOCK now:");
	show_owner("here", variable("SSH_AUTH_SOCK"));
	show_owner("for programs that are started", s->place.manager);
	puts(undo ? "\nThis takes the setup back:" :
		    "\nThis makes it p11-agent's:");
	for (size_t i = 0; i < s->plan.n; i++)
		show_step(step_at(&s->plan, i, undo), undo);
	fputc('\n', stdout);
}

static enum ctl_exit
run_setup(struct setup *s, const struct ctl *c)
{
	show_all(s, c->undo);
	if (!c->yes && !person_says_yes()) {
		puts("Nothing was changed.");
		return CTL_REFUSED;
	}
	if (do_all(s, c->undo) != CTL_DONE)
		return CTL_REFUSED;
	if (c->undo)
		puts("Done. The next login has the agent of before.");
	else
		printf("Done.\n\n%s", notes);
	return CTL_DONE;
}

/* What keeps the manager from starting us; NULL: nothing. */
static const char *
fault_of_manager(bool answers)
{
	if (!answers)
		return "systemd's user manager does not answer";
	if (setup_units_missing())
		return "systemd's user manager finds no p11-agent.socket (was "
		       "p11-agent built without systemd, or is it installed "
		       "where systemd does not look?)";
	return NULL;
}

/* Ask before anything is changed. False, told, where all would be in vain. */
static bool
ask_manager(struct setup *s, bool undo)
{
	bool answers = setup_manager_ask(&s->manager, &s->place.manager);
	const char *fault;
	pid_t pid;

	if (undo)
		return true;
	if ((fault = fault_of_manager(answers)) != NULL) {
		ctl_error("%s: nothing was changed.\nWithout it, start p11-agent "
			  "in your shell's startup file: "
			  "eval \"$(p11-agent -s)\"", fault);
		return false;
	}
	if ((pid = setup_agent_by_hand(&s->path)) == 0)
		return true;
	ctl_error("a p11-agent that was started by hand serves %s, which "
		  "systemd would take from it: nothing was changed.\nEnd it, "
		  "and run setup again: kill %lld",
	    s->path.socket, (long long)pid);
	return false;
}

enum ctl_exit
ctl_setup(const struct ctl *c)
{
	struct setup s = {
	    .place.undo = c->undo,
	    .manager = BUFFER_INIT(PRINTED_MAX_BYTES),
	    .plist = BUFFER_INIT(PLIST_MAX_BYTES),
	    .printed = BUFFER_INIT(PRINTED_MAX_BYTES),
	};
	enum ctl_exit e = CTL_REFUSED;

	if (c->socket != NULL) {
		ctl_error("setup has no -a: a service manager has one place "
			  "for the socket");
		return CTL_USAGE;
	}
	if (find_place(&s) && ask_manager(&s, c->undo) && make_plan(&s)) {
		if (s.plan.failed)
			ctl_error("out of memory");
		else
			e = run_setup(&s, c);
	}
	setup_plan_clear(&s.plan);
	buffer_clear(&s.plist);
	buffer_clear(&s.manager);
	buffer_clear(&s.printed);
	return e;
}
