#!/usr/bin/env python3
"""contracts/openapi.yaml as a C array: tools/openapi.py openapi.yaml >openapi_json.h

JSON without spaces, in the order of the file; needs PyYAML (python3-yaml)."""
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import sys

import yaml


def literals(text, width=90):
    """C string literals that together are the text."""
    line = ""
    for char in text:
        piece = {'"': '\\"', "\\": "\\\\"}.get(char, char)
        if len(line) + len(piece) > width:
            yield '"%s"' % line
            line = ""
        line += piece
    yield '"%s"' % line


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        text = json.dumps(yaml.safe_load(source), separators=(",", ":"), ensure_ascii=True)
    print("/* fcgi/openapi_json.h - contracts/openapi.yaml as JSON; made by tools/openapi.py. */")
    print("/* SPDX-License-Identifier: GPL-3.0-or-later */")
    print("#ifndef FCGI_OPENAPI_JSON_H\n#define FCGI_OPENAPI_JSON_H\n")
    print("static const char openapi_json[] =")
    print("\n".join("\t" + line for line in literals(text)) + ";\n")
    print("#endif")


main()
