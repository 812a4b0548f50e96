/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands that make a key on a token that has none. */
#include "ctl/make-key.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ctl/quote.h"
#include "ctl/show.h"

/* The provider of this name in the document. */
static const json_t *
provider_of(const json_t *status, const json_t *token)
{
	const json_t *name = json_object_get(token, "provider");
	const json_t *providers = json_object_get(status, "providers");

	for (size_t i = 0; i < json_array_size(providers); i++) {
		const json_t *p = json_array_get(providers, i);

		if (name != NULL && json_equal(json_object_get(p, "name"), name))
			return p;
	}
	return NULL;
}

/* Its PIV slots are not all writable through PKCS#11; its own tool knows. */
static bool
is_yubikey(const json_t *token)
{
	static const char *const members[] = {
	    "manufacturer", "model", "reader", "label"};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *text =
		    json_string_value(json_object_get(token, members[i]));

		if (text != NULL && strcasestr(text, "yubi") != NULL &&
		    strcasestr(text, "yubihsm") == NULL)
			return true;
	}
	return false;
}

static void
show_pkcs11_tool(const json_t *status, const json_t *token, FILE *out)
{
	CLEANUP(cleanup_free)
	char *module = show_text(provider_of(status, token), "module");
	CLEANUP(cleanup_free) char *label = show_text(token, "label");

	fputs("    pkcs11-tool --module ", out);
	quote_print(out, module == NULL ? "MODULE" : module, false);
	if (label != NULL) {
		fputs(" --token-label ", out);
		quote_print(out, label, false);
	}
	fputs(" --login \\\n"
	      "        --keypairgen --key-type EC:prime256v1 --id 01 "
	      "--label ssh --usage-sign\n",
	    out);
}

static void
show_token(const json_t *status, const json_t *token, FILE *out)
{
	CLEANUP(cleanup_free) char *name = show_text(token, "name");
	CLEANUP(cleanup_free) char *login = show_text(token, "login");

	fprintf(out, "\n%s has no key%s To make one:\n",
	    name == NULL ? "A token without a name" : name,
	    login != NULL && strcmp(login, "wants a PIN") == 0
		? " that shows before a login."
		: ".");
	if (is_yubikey(token))
		fputs("    ykman piv keys generate --algorithm ECCP256 9a "
		      "pub.pem\n"
		      "    ykman piv certificates generate --subject CN=ssh 9a "
		      "pub.pem\n",
		    out);
	else
		show_pkcs11_tool(status, token, out);
	fputs("and then:\n"
	      "    p11-agentctl reload\n"
	      "    p11-agentctl allow ",
	    out);
	fputs(is_yubikey(token) ? "KEY      # as `p11-agentctl keys` shows it\n"
				: "ssh\n",
	    out);
	fputs("    p11-agentctl export   # for authorized_keys\n", out);
}

void
make_key_show(const json_t *status, FILE *out)
{
	const json_t *tokens = json_object_get(status, "tokens");

	for (size_t i = 0; i < json_array_size(tokens); i++) {
		const json_t *token = json_array_get(tokens, i);

		if (show_number(token, "keys", -1) == 0)
			show_token(status, token, out);
	}
}
