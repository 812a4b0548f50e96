# SPDX-License-Identifier: BSD-2-Clause
"""Every source compiles for macOS, and every program links, on Linux."""
import os
import subprocess

import pytest

TOP = os.path.join(os.path.dirname(__file__), "..", "..")
NO_COMPILER = 77


@pytest.mark.parametrize("arch", ["aarch64", "x86_64"])
def test_compiles_and_links(arch):
    done = subprocess.run([os.path.join(TOP, "scripts", "macos"), arch],
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=900)
    if done.returncode == NO_COMPILER and (
            "P11_AGENT_MACOS_REQUIRED" not in os.environ):
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout
