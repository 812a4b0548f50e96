/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ifd-usb: a driver for pcscd that makes vpcd's virtual reader a USB token.
 *
 * pcscd finds it for the (mock) USB devices of pcscd-usb.py, and drops a reader when its device leaves. One slot a
 * reader, as a YubiKey has. vpcd has two slots in all, which become USB devices 1 and 2, on ports 1 and 2.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <PCSC/ifdhandler.h>

static void *vpcd(const char *name)
{
	static void *lib;

	if (lib == NULL)
		lib = dlopen(getenv("RIG_VPCD"), RTLD_NOW | RTLD_LOCAL);
	return lib != NULL ? dlsym(lib, name) : NULL;
}

static DWORD vpcd_slot[256];	/* by pcscd's number of the reader */

static DWORD to_vpcd(DWORD lun)
{
	return (lun & 0xffff0000) | vpcd_slot[lun >> 16 & 0xff];
}

#define PASS(name, params, args) \
RESPONSECODE name params \
{ \
	RESPONSECODE (*f) params = vpcd(#name); \
	return f != NULL ? f args : IFD_NOT_SUPPORTED; \
}

PASS(IFDHCloseChannel, (DWORD lun), (to_vpcd(lun)))
PASS(IFDHSetCapabilities, (DWORD lun, DWORD tag, DWORD len, PUCHAR value), (to_vpcd(lun), tag, len, value))
PASS(IFDHSetProtocolParameters, (DWORD lun, DWORD proto, UCHAR flags, UCHAR p1, UCHAR p2, UCHAR p3), (to_vpcd(lun), proto, flags, p1, p2, p3))
PASS(IFDHPowerICC, (DWORD lun, DWORD action, PUCHAR atr, PDWORD len), (to_vpcd(lun), action, atr, len))
PASS(IFDHTransmitToICC, (DWORD lun, SCARD_IO_HEADER send, PUCHAR tx, DWORD txlen, PUCHAR rx, PDWORD rxlen, PSCARD_IO_HEADER recv), (to_vpcd(lun), send, tx, txlen, rx, rxlen, recv))
PASS(IFDHControl, (DWORD lun, DWORD code, PUCHAR tx, DWORD txlen, PUCHAR rx, DWORD rxlen, LPDWORD got), (to_vpcd(lun), code, tx, txlen, rx, rxlen, got))
PASS(IFDHICCPresence, (DWORD lun), (to_vpcd(lun)))

RESPONSECODE IFDHCreateChannel(DWORD lun, DWORD port)
{
	RESPONSECODE (*f)(DWORD, DWORD) = vpcd("IFDHCreateChannel");

	return f != NULL ? f(to_vpcd(lun), port) : IFD_NOT_SUPPORTED;
}

/* device: usb:1050/0407:libudev:0:/dev/bus/usb/001/00N */
RESPONSECODE IFDHCreateChannelByName(DWORD lun, LPSTR device)
{
	const char *slash = strrchr(device, '/');
	unsigned long n = slash != NULL ? strtoul(slash + 1, NULL, 10) : 0;

	if (n < 1 || n > 2)
		return IFD_NO_SUCH_DEVICE;
	vpcd_slot[lun >> 16 & 0xff] = n - 1;
	return IFDHCreateChannel(lun, 1);
}

RESPONSECODE IFDHGetCapabilities(DWORD lun, DWORD tag, PDWORD len, PUCHAR value)
{
	RESPONSECODE (*f)(DWORD, DWORD, PDWORD, PUCHAR) = vpcd("IFDHGetCapabilities");

	/* Else pcscd lets one reader wait for the other; vpcd's slots share nothing. */
	if (tag == TAG_IFD_THREAD_SAFE && *len >= 1) {
		*value = 1;
		*len = 1;
		return IFD_SUCCESS;
	}
	if ((tag == TAG_IFD_SLOTS_NUMBER || tag == TAG_IFD_SIMULTANEOUS_ACCESS) && *len >= 1) {
		*value = tag == TAG_IFD_SLOTS_NUMBER ? 1 : 2;
		*len = 1;
		return IFD_SUCCESS;
	}
	return f != NULL ? f(to_vpcd(lun), tag, len, value) : IFD_NOT_SUPPORTED;
}
