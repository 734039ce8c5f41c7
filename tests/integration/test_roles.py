"""The roles that sql/roles.sql makes."""
# SPDX-License-Identifier: GPL-3.0-or-later


def test_application_role_inherits_nothing_and_passes_no_row_security(postgres):
    postgres.make_database("test_roles")
    rows = postgres.psql("SELECT rolinherit, rolbypassrls, rolsuper, rolcreaterole FROM pg_roles"
                         " WHERE rolname = 'frontdesk_app'")
    assert rows == [["f", "f", "f", "f"]]


def test_roles_can_be_made_again(postgres):
    postgres.make_database("test_roles_again")
    postgres.make_database("test_roles_again")
    assert postgres.psql("SELECT current_user", "test_roles_again", "frontdesk_app") == [["frontdesk_app"]]


def test_nobody_else_may_connect(postgres):
    postgres.make_database("test_roles_closed")
    postgres.psql("CREATE ROLE stranger LOGIN PASSWORD 'x'")
    done = postgres.psql("SELECT 1", "test_roles_closed", "stranger", "x", check=False)
    assert done.returncode != 0 and "permission denied for database" in done.stderr
