/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sshd-accounts: loaded into an sshd that root runs (LD_PRELOAD), gives it the
 * user named sshd that it wants, and accounts that are not locked.
 */
#include <dlfcn.h>
#include <pwd.h>
#include <shadow.h>
#include <string.h>

enum { NOBODY = 65534 };

struct passwd *
getpwnam(const char *name)
{
	static char user[] = "sshd", none[] = "*", shell[] = "/bin/false";
	static struct passwd sshd = { .pw_name = user, .pw_passwd = none,
	    .pw_uid = NOBODY, .pw_gid = NOBODY, .pw_gecos = none,
	    .pw_dir = none, .pw_shell = shell };
	struct passwd *(*next)(const char *) =
	    (struct passwd *(*)(const char *))dlsym(RTLD_NEXT, "getpwnam");

	return strcmp(name, user) == 0 ? &sshd : next(name);
}

struct spwd *
getspnam(const char *name)
{
	static char password[] = "*";
	static struct spwd account;

	account = (struct spwd){ .sp_namp = (char *)name, .sp_pwdp = password,
	    .sp_lstchg = 19000, .sp_min = -1, .sp_max = -1, .sp_warn = -1,
	    .sp_inact = -1, .sp_expire = -1 };
	return &account;
}
