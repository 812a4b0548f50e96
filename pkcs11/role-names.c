/* SPDX-License-Identifier: BSD-2-Clause */
/* The role "names": which modules p11-kit has registered for us. */
#include "pkcs11/role.h"

#include <p11-kit/p11-kit.h>

#include "common/cleanup.h"
#include "common/frame.h"
#include "common/log.h"
#include "pkcs11/registered.h"

static void
put_registered(struct buffer *out, CK_FUNCTION_LIST *module)
{
	CLEANUP(cleanup_free) char *name = p11_kit_module_get_name(module);
	CLEANUP(cleanup_free) char *path = p11_kit_module_get_filename(module);
	CLEANUP(cleanup_free) char *init_args =
	    p11_kit_config_option(module, "x-init-reserved");
	CLEANUP(cleanup_free) char *remote =
	    p11_kit_config_option(module, "remote");
	CLEANUP(cleanup_free) char *trust =
	    p11_kit_config_option(module, "trust-policy");
	const struct wire_registered w = {
		.name = bytes_str(name),
		.module = bytes_str(path),
		.init_args = bytes_str(init_args),
		.remote = bytes_str(remote),
		.of_system = remote != NULL && name != NULL &&
		    registered_by_system(name, remote),
		.trust_policy = trust != NULL && strcmp(trust, "yes") == 0,
	};

	if (w.name.len == 0 || (w.module.len == 0 && w.remote.len == 0)) {
		log_info("registered with p11-kit, but left out, as it has "
		    "neither `module` nor `remote`: %.64s",
		    name == NULL ? "(no name)" : name);
		return;
	}
	if (w.name.len > WIRE_TEXT_MAX_BYTES ||
	    w.module.len > WIRE_TEXT_MAX_BYTES ||
	    w.remote.len > WIRE_TEXT_MAX_BYTES ||
	    w.init_args.len > WIRE_TEXT_MAX_BYTES) {
		log_warn("registered with p11-kit, but left out, as its "
		    "settings are too long: %.64s", name);
		return;
	}
	wire_registered_put(out, &w);
}

/*
 * p11-kit names no module without dlopen of every one, so this is done where
 * a module that hangs or crashes costs nobody anything. None is initialised,
 * and none released: what a module does when it is unloaded may fail, too.
 * Those that cannot be loaded p11-kit leaves out, with words on stderr, which
 * is our log. Of two names of one file it knows the first.
 */
bool
role_names(int fd, struct p11_err *err)
{
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	CK_FUNCTION_LIST **modules;

	p11_kit_be_loud();
	if ((modules = registered_load(err)) == NULL)
		return false;
	for (; *modules != NULL; modules++)
		put_registered(&out, *modules);
	wire_done_put(&out);
	return frame_write(fd, &out) || p11_err_set(err, "", CKR_OK,
	    "the daemon is gone");
}
