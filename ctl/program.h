/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that are run for us: p11-agent-config, which knows the config's
 * grammar, and those of the system.
 */
#ifndef P11_AGENT_CTL_PROGRAM_H
#define P11_AGENT_CTL_PROGRAM_H

#include "common/buffer.h"
#include "ctl/ctl.h"

#define CONFIG_PROGRAM "p11-agent-config"

/* The program's path, for free(). NULL, told, when nobody knows it. */
char *program_find(void);

/*
 * Run it with these words (argv[0] is CONFIG_PROGRAM, the last one NULL) and
 * take what it prints. Anything but CTL_DONE has been told on standard error,
 * by it or by us.
 */
enum ctl_exit program_run(char *const *argv, struct buffer *out);

/*
 * The same for a program of the PATH. False, told, unless it ran and was
 * content.
 */
bool program_run_found(char *const *argv, struct buffer *out);

#endif
