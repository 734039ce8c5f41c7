-- 0001_platform: the registry of tenants, jobs, and the functions that are the app's only way in.
-- Runs as the owner role, on an empty database. Undo: 0001_platform.down.sql (everything).
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

-- frontdesk_app      the programs' login role: no right on a tenant's table, members of every tenant role, NOINHERIT
-- frontdesk_template marks the grants of tenant_template that a new tenant's role gets; nobody is a member
-- frontdesk_tenant   what every tenant role may do in the platform schema
DO $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'frontdesk_app') THEN
		CREATE ROLE frontdesk_app LOGIN NOINHERIT;
	END IF;
	IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'frontdesk_template') THEN
		CREATE ROLE frontdesk_template NOLOGIN NOINHERIT;
	END IF;
	IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'frontdesk_tenant') THEN
		CREATE ROLE frontdesk_tenant NOLOGIN NOINHERIT;
	END IF;
	IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'frontdesk_app'
		   AND (rolsuper OR rolbypassrls OR rolinherit OR rolcreaterole OR rolcreatedb)) THEN
		RAISE EXCEPTION 'role frontdesk_app must be NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEROLE NOCREATEDB'
			USING HINT = 'ALTER ROLE frontdesk_app NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEROLE NOCREATEDB';
	END IF;
END
$$;
-- The runner has made platform, for its own table.
REVOKE ALL ON SCHEMA platform FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA platform TO frontdesk_app, frontdesk_tenant;
CREATE SCHEMA tenant_template;

-- The tenant of this transaction; NULL, and so no row anywhere, where nobody said.
CREATE FUNCTION public.get_current_tenant_id() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog
AS $$
BEGIN
	RETURN nullif(current_setting('app.current_tenant_id', true), '')::uuid;
EXCEPTION WHEN invalid_text_representation THEN
	RETURN NULL;
END
$$;

CREATE TABLE platform.tenants (
	id          uuid         PRIMARY KEY DEFAULT public.uuid_generate_v4(),
	domain      varchar(255) NOT NULL UNIQUE CHECK (domain = lower(domain)),
	name        varchar(255) NOT NULL,
	schema_name name         NOT NULL UNIQUE,
	role_name   name         NOT NULL UNIQUE,
	status      text         NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'SUSPENDED', 'REMOVING')),
	created_at  timestamptz  NOT NULL DEFAULT now()
);

CREATE TABLE platform.jobs (
	id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant_id   uuid        NOT NULL REFERENCES platform.tenants ON DELETE CASCADE,
	kind        text        NOT NULL,
	ref         text        NOT NULL DEFAULT '',
	state       text        NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'RUNNING', 'FAILED')),
	priority    smallint    NOT NULL DEFAULT 0,
	attempts    int         NOT NULL DEFAULT 0,
	run_after   timestamptz NOT NULL DEFAULT now(),
	lease_until timestamptz,
	worker      text,
	reason      text,
	created_at  timestamptz NOT NULL DEFAULT now()
);
-- Finished jobs are deleted: the queue holds what is to be done. One waiting job of a kind and ref.
CREATE UNIQUE INDEX jobs_one_queued ON platform.jobs (tenant_id, kind, ref) WHERE state = 'QUEUED';
CREATE INDEX jobs_due ON platform.jobs (priority DESC, run_after) WHERE state = 'QUEUED';
CREATE INDEX jobs_leases ON platform.jobs (lease_until) WHERE state = 'RUNNING';

-- "tenant_" and the domain. What would pass Postgres's 63 bytes gets a hashed tail behind a "#", that
-- no domain has: never a silent cut, never two domains in one schema.
CREATE FUNCTION platform.schema_name_of(tenant_domain text) RETURNS name
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog
AS $$
	SELECT CASE WHEN octet_length(plain) <= 63 THEN plain::name
		ELSE (left(plain, 46) || '#' || left(encode(sha256(convert_to(plain, 'UTF8')), 'hex'), 16))::name
	END
	FROM (SELECT 'tenant_' || lower(tenant_domain) AS plain) p
$$;

-- Clone tenant_template into a schema with a role of its own: columns, defaults, keys, checks,
-- indexes, foreign keys, policies, grants. One truth, compared by a test. Gives the schema's name.
CREATE FUNCTION public.create_tenant_schema(tenant_domain text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target name;
	t record;
	x record;
BEGIN
	IF tenant_domain IS NULL OR lower(tenant_domain) !~ '^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$' OR length(tenant_domain) > 253 THEN
		RAISE EXCEPTION 'tenant domain "%" is not a domain name', coalesce(tenant_domain, '')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'use letters, digits, dots and dashes, like shop.example';
	END IF;
	target := platform.schema_name_of(tenant_domain);
	IF target = 'tenant_template' THEN
		RAISE EXCEPTION 'tenant domain "%" is reserved', tenant_domain USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = target) THEN
		EXECUTE format('CREATE ROLE %I NOLOGIN INHERIT IN ROLE frontdesk_tenant', target);
	END IF;
	EXECUTE format('GRANT %I TO frontdesk_app', target);
	EXECUTE format('CREATE SCHEMA %I', target);
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', target, target);
	FOR t IN SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relacl FROM pg_class c
		 WHERE c.relnamespace = 'tenant_template'::regnamespace AND c.relkind = 'r' ORDER BY c.relname
	LOOP
		EXECUTE format('CREATE TABLE %I.%I (LIKE tenant_template.%I INCLUDING ALL)', target, t.relname, t.relname);
		FOR x IN SELECT DISTINCT privilege_type FROM aclexplode(t.relacl) WHERE grantee = 'frontdesk_template'::regrole
		LOOP
			EXECUTE format('GRANT %s ON %I.%I TO %I', x.privilege_type, target, t.relname, target);
		END LOOP;
		IF t.relrowsecurity THEN
			EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', target, t.relname);
		END IF;
		IF t.relforcerowsecurity THEN
			EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', target, t.relname);
		END IF;
	END LOOP;
	FOR t IN SELECT c.relname, c.relacl FROM pg_class c
		 WHERE c.relnamespace = 'tenant_template'::regnamespace AND c.relkind = 'S'
		 AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i') ORDER BY c.relname
	LOOP
		EXECUTE format('CREATE SEQUENCE %I.%I', target, t.relname);
		EXECUTE format('GRANT USAGE, SELECT, UPDATE ON SEQUENCE %I.%I TO %I', target, t.relname, target);
	END LOOP;
	-- Read with the template in the path, so that names come out unqualified; run with the target's.
	PERFORM set_config('search_path', 'tenant_template, public', true);
	CREATE TEMPORARY TABLE tenant_clone ON COMMIT DROP AS
		SELECT format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', target, c.relname, k.conname, pg_get_constraintdef(k.oid)) AS run
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
		WHERE k.connamespace = 'tenant_template'::regnamespace AND k.contype = 'f'
		UNION ALL
		SELECT format('CREATE POLICY %I ON %I.%I AS %s FOR %s USING (%s) WITH CHECK (%s)', p.polname, target, c.relname,
			CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END, 'ALL',
			pg_get_expr(p.polqual, p.polrelid), pg_get_expr(coalesce(p.polwithcheck, p.polqual), p.polrelid))
		FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
		WHERE c.relnamespace = 'tenant_template'::regnamespace;
	PERFORM set_config('search_path', quote_ident(target) || ', public', true);
	FOR x IN SELECT run FROM pg_temp.tenant_clone LOOP
		EXECUTE x.run;
	END LOOP;
	PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
	DROP TABLE pg_temp.tenant_clone;
	RETURN target;
END
$$;
REVOKE ALL ON FUNCTION public.create_tenant_schema(text) FROM PUBLIC;

-- For migrations of tenant schemas: grant to the role that belongs to the schema in the path.
CREATE FUNCTION platform.grant_tenant(rights text, table_name text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	EXECUTE format('GRANT %s ON %I.%I TO %I', rights, current_schema(), table_name,
		CASE current_schema() WHEN 'tenant_template' THEN 'frontdesk_template' ELSE current_schema() END);
END
$$;
CREATE FUNCTION platform.wall(table_name text, condition text DEFAULT 'tenant_id = (SELECT public.get_current_tenant_id())') RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', current_schema(), table_name);
	EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', current_schema(), table_name);
	EXECUTE format('CREATE POLICY tenant_only ON %I.%I USING (%s) WITH CHECK (%s)', current_schema(), table_name, condition, condition);
END
$$;
REVOKE ALL ON FUNCTION platform.grant_tenant(text, text), platform.wall(text, text) FROM PUBLIC;

-- ---- the owner's: add and remove ----------------------------------------
CREATE FUNCTION platform.tenant_add(tenant_domain text, tenant_name text, tenant_settings jsonb) RETURNS platform.tenants
LANGUAGE plpgsql
AS $$
DECLARE
	made platform.tenants;
	dim int := coalesce((tenant_settings->>'embedding_dim')::int, 384);
BEGIN
	INSERT INTO platform.tenants (domain, name, schema_name, role_name)
	VALUES (lower(tenant_domain), tenant_name, platform.schema_name_of(tenant_domain), platform.schema_name_of(tenant_domain))
	RETURNING * INTO made;
	PERFORM public.create_tenant_schema(tenant_domain);
	PERFORM set_config('app.current_tenant_id', made.id::text, true);
	EXECUTE format('INSERT INTO %I.tenants (id, name, domain, settings) VALUES ($1, $2, $3, $4)', made.schema_name)
	USING made.id, made.name, made.domain, tenant_settings;
	IF dim <> 384 THEN
		EXECUTE format('ALTER TABLE %I.chunks ALTER COLUMN embedding TYPE public.halfvec(%s)', made.schema_name, dim);
	END IF;
	INSERT INTO platform.schema_migrations (scope, schema_name, version, name, checksum)
	SELECT scope, made.schema_name, version, name, checksum FROM platform.schema_migrations WHERE schema_name = 'tenant_template';
	PERFORM set_config('app.current_tenant_id', '', true);
	RETURN made;
END
$$;
CREATE FUNCTION platform.tenant_remove(wanted uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	gone platform.tenants;
BEGIN
	DELETE FROM platform.tenants WHERE id = wanted RETURNING * INTO gone;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'tenant % does not exist', wanted USING ERRCODE = 'no_data_found';
	END IF;
	DELETE FROM platform.schema_migrations WHERE schema_name = gone.schema_name;
	EXECUTE format('DROP SCHEMA %I CASCADE', gone.schema_name);
	EXECUTE format('DROP ROLE %I', gone.role_name);
END
$$;
REVOKE ALL ON FUNCTION platform.tenant_add(text, text, jsonb), platform.tenant_remove(uuid) FROM PUBLIC;

-- ---- the app's way in: one row of the registry at a time -----------------
CREATE FUNCTION platform.tenant_find(wanted text)
RETURNS TABLE (id uuid, domain text, name text, schema_name text, role_name text, status text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
	SELECT t.id, t.domain::text, t.name::text, t.schema_name::text, t.role_name::text, t.status FROM platform.tenants t
	WHERE t.id = CASE WHEN wanted ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN wanted::uuid END
	   OR t.domain = lower(wanted)
	LIMIT 1
$$;
REVOKE ALL ON FUNCTION platform.tenant_find(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.tenant_find(text) TO frontdesk_app;

-- ---- jobs -----------------------------------------------------------------
CREATE FUNCTION platform.job_enqueue(job_kind text, job_ref text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	INSERT INTO platform.jobs (tenant_id, kind, ref) VALUES (public.get_current_tenant_id(), job_kind, job_ref)
	ON CONFLICT (tenant_id, kind, ref) WHERE state = 'QUEUED' DO NOTHING;
	NOTIFY frontdesk_jobs;
$$;
-- One statement: the due job of highest priority, or one whose worker fell silent.
CREATE FUNCTION platform.job_claim(by_worker text, lease_seconds int)
RETURNS TABLE (id bigint, tenant_id uuid, kind text, ref text, attempts int)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	UPDATE platform.jobs j SET state = 'RUNNING', worker = by_worker, attempts = j.attempts + 1,
		lease_until = clock_timestamp() + make_interval(secs => lease_seconds)
	WHERE j.id = (
		SELECT w.id FROM (
			(SELECT d.id FROM platform.jobs d WHERE d.state = 'RUNNING' AND d.lease_until < clock_timestamp()
			 ORDER BY d.lease_until LIMIT 1 FOR UPDATE SKIP LOCKED)
			UNION ALL
			(SELECT d.id FROM platform.jobs d WHERE d.state = 'QUEUED' AND d.run_after <= clock_timestamp()
			 ORDER BY d.priority DESC, d.run_after LIMIT 1 FOR UPDATE SKIP LOCKED)) w LIMIT 1)
	RETURNING j.id, j.tenant_id, j.kind, j.ref, j.attempts
$$;
CREATE FUNCTION platform.job_extend(job bigint, by_worker text, lease_seconds int) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	WITH u AS (UPDATE platform.jobs SET lease_until = clock_timestamp() + make_interval(secs => lease_seconds)
		   WHERE id = job AND worker = by_worker AND state = 'RUNNING' RETURNING 1)
	SELECT EXISTS (SELECT 1 FROM u)
$$;
CREATE FUNCTION platform.job_finish(job bigint, by_worker text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	WITH u AS (DELETE FROM platform.jobs WHERE id = job AND worker = by_worker AND state = 'RUNNING' RETURNING 1)
	SELECT EXISTS (SELECT 1 FROM u)
$$;
-- Back into the queue; where the same work was queued meanwhile, that one row stands for both.
CREATE FUNCTION platform.job_retry(job bigint, by_worker text, delay_seconds int, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
	UPDATE platform.jobs SET state = 'QUEUED', worker = NULL, lease_until = NULL, reason = why,
		run_after = clock_timestamp() + make_interval(secs => delay_seconds)
	WHERE id = job AND worker = by_worker AND state = 'RUNNING';
	RETURN FOUND;
EXCEPTION WHEN unique_violation THEN
	DELETE FROM platform.jobs WHERE id = job AND worker = by_worker AND state = 'RUNNING';
	RETURN FOUND;
END
$$;
CREATE FUNCTION platform.job_fail(job bigint, by_worker text, why text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	WITH u AS (UPDATE platform.jobs SET state = 'FAILED', lease_until = NULL, reason = why
		   WHERE id = job AND worker = by_worker AND state = 'RUNNING' RETURNING 1)
	SELECT EXISTS (SELECT 1 FROM u)
$$;
-- In the transaction that writes a job's result: still ours? Holds the row until the end.
CREATE FUNCTION platform.job_guard(job bigint, by_worker text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	WITH l AS (SELECT 1 FROM platform.jobs WHERE id = job AND worker = by_worker AND state = 'RUNNING'
		   AND tenant_id = public.get_current_tenant_id() FOR UPDATE)
	SELECT EXISTS (SELECT 1 FROM l)
$$;
REVOKE ALL ON FUNCTION platform.job_enqueue(text, text), platform.job_claim(text, int), platform.job_extend(bigint, text, int),
	platform.job_finish(bigint, text), platform.job_retry(bigint, text, int, text), platform.job_fail(bigint, text, text),
	platform.job_guard(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION platform.job_claim(text, int), platform.job_extend(bigint, text, int),
	platform.job_finish(bigint, text), platform.job_retry(bigint, text, int, text), platform.job_fail(bigint, text, text) TO frontdesk_app;
GRANT EXECUTE ON FUNCTION platform.job_enqueue(text, text), platform.job_guard(bigint, text) TO frontdesk_tenant;
