/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions that a module must have, and what stands for the others. */
#include "pkcs11/module-calls.h"

#include <stddef.h>

#define CALL(name) {#name, offsetof(CK_FUNCTION_LIST, name)}
static const struct {
	const char *name;
	size_t at;
} calls_needed[] = {
	CALL(C_Initialize),
	CALL(C_GetSlotList),
	CALL(C_GetTokenInfo),
	CALL(C_OpenSession),
	CALL(C_GetAttributeValue),
	CALL(C_FindObjectsInit),
	CALL(C_FindObjects),
	CALL(C_SignInit),
	CALL(C_Sign),
};
enum { N_CALLS_NEEDED = sizeof(calls_needed) / sizeof(calls_needed[0]) };

static CK_RV
no_get_info(CK_INFO *info)
{
	(void)info;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV
no_get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	(void)slot;
	(void)info;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV
no_wait_for_slot_event(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
	(void)flags;
	(void)slot;
	(void)reserved;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

/* C_CloseSession and C_FindObjectsFinal. */
static CK_RV
no_end(CK_SESSION_HANDLE session)
{
	(void)session;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV
no_get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
	(void)session;
	(void)info;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV
no_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin,
    CK_ULONG len)
{
	(void)session;
	(void)user;
	(void)pin;
	(void)len;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

/* PKCS#11 2.0 ended before C_WaitForSlotEvent. */
static bool
has_last_call(const CK_FUNCTION_LIST *from)
{
	return from->version.major > 2 ||
	    (from->version.major == 2 && from->version.minor > 0);
}

#define OR_ELSE(name, otherwise)            \
	do {                                \
		if (ret->name == NULL)      \
			ret->name = (otherwise); \
	} while (0)

bool
module_calls_fill(CK_FUNCTION_LIST *ret, const CK_FUNCTION_LIST *from,
    struct p11_err *err)
{
	*ret = (CK_FUNCTION_LIST){0};
	memcpy(ret, from, offsetof(CK_FUNCTION_LIST, C_WaitForSlotEvent));
	if (has_last_call(from))
		ret->C_WaitForSlotEvent = from->C_WaitForSlotEvent;
	for (size_t i = 0; i < N_CALLS_NEEDED; i++) {
		void *call;

		memcpy(&call, (const char *)ret + calls_needed[i].at,
		    sizeof(call));
		if (call == NULL)
			return p11_err_set(err, "C_GetFunctionList", CKR_OK,
			    "the module has no %s, and cannot sign without",
			    calls_needed[i].name);
	}
	OR_ELSE(C_GetInfo, no_get_info);
	OR_ELSE(C_GetSlotInfo, no_get_slot_info);
	OR_ELSE(C_WaitForSlotEvent, no_wait_for_slot_event);
	OR_ELSE(C_CloseSession, no_end);
	OR_ELSE(C_GetSessionInfo, no_get_session_info);
	OR_ELSE(C_Login, no_login);
	OR_ELSE(C_FindObjectsFinal, no_end);
	return true;
}
