-- roles.sql: the login roles and the database of one Frontdesk install; run once, by a superuser:
--   psql -v owner_password=… -v app_password=… -d postgres -f sql/roles.sql
-- Run again it only sets the passwords. Migrations run as frontdesk_owner, the programs as
-- frontdesk_app, which inherits nothing: what it may do, it must take by SET ROLE (design.md, 4).
SELECT 'CREATE ROLE frontdesk_owner'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'frontdesk_owner') \gexec
SELECT 'CREATE ROLE frontdesk_app'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'frontdesk_app') \gexec
ALTER ROLE frontdesk_owner LOGIN CREATEROLE NOSUPERUSER NOCREATEDB NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE frontdesk_app LOGIN NOINHERIT NOCREATEROLE NOSUPERUSER NOCREATEDB NOBYPASSRLS
	PASSWORD :'app_password';

\if :{?database}
\else
\set database frontdesk
\endif
SELECT format('CREATE DATABASE %I OWNER frontdesk_owner ENCODING ''UTF8'' TEMPLATE template0', :'database')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO frontdesk_app;

-- The one extension that only a superuser may create; the migrations create the trusted ones.
\connect :"database"
CREATE EXTENSION IF NOT EXISTS vector;
