"""Hooks of `schemathesis run`: bodies that name a tenant name the one that is there, now and then."""
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re

import schemathesis

TENANT = os.environ["FRONTDESK_TENANT"]
WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")


@schemathesis.hook
def map_body(_context, body):
    """What is malformed stays as it is, and so do some names of nobody."""
    if isinstance(body, dict) and isinstance(body.get("tenant_id"), str):
        name = body["tenant_id"]
        if WELL_FORMED.fullmatch(name) and name[0] not in "089XYZ":
            return {**body, "tenant_id": TENANT}
    return body
