#!/usr/bin/env python3
"""compile_commands.json out of what make says it would do: make -nw V=1 | tools/compile-commands.py"""
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import re
import shlex
import sys

folders, commands = [], []
for line in sys.stdin.read().replace("\\\n", " ").split("\n"):
    entered = re.search(r"Entering directory '(.*)'$", line)
    if entered:
        folders.append(entered.group(1))
    elif "Leaving directory" in line:
        folders.pop()
    elif " -c " in line and ".c" in line:
        # What libtool and the tracking of dependencies add goes, and automake's question where the
        # source file is: the build is out of tree.
        line = re.sub(r"^.*--mode=compile |^depbase=`[^`]*`; *| *&& *mv .*| -M[DP]\b| -M[TF] \S+", "", line)
        words = shlex.split(re.sub(r"`test -f '[^']*' \|\| echo '([^']*)'`", r"\1", line))
        source = [word for word in words if word.endswith(".c")]
        if len(source) == 1:
            commands.append({"directory": folders[-1], "arguments": words,
                             "file": os.path.normpath(os.path.join(folders[-1], source[0]))})
json.dump(commands, sys.stdout, indent=1)
